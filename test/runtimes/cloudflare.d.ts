/** Of a Worker; its own types would take the place of Node's. */
declare module "cloudflare:node" {
  export function handleAsNodeRequest(port: number, request: Request): Promise<Response>;
}
