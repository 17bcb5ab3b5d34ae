import { createHash, generateKeyPairSync, randomUUID, sign, type KeyObject } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/**
 * An OAuth2 and OpenID Connect provider on this machine whose user agrees at once: the endpoints of a Keycloak realm,
 * and discovery.
 */
export class Provider {
  readonly #server: Server;
  readonly #key: { publicKey: KeyObject; privateKey: KeyObject } = generateKeyPairSync("rsa", {
    modulusLength: 2048,
  });
  /** What was asked for with each code. */
  readonly #codes = new Map<string, { nonce?: string; clientId: string; challenge?: string }>();
  readonly requests: string[] = [];

  private constructor() {
    this.#server = createServer((req, res) => void this.#respond(req, res));
  }

  /** Listens on a free port. */
  static async start(): Promise<Provider> {
    const provider = new Provider();
    await new Promise<void>((resolve) => provider.#server.listen(0, "127.0.0.1", resolve));
    provider.#server.unref();
    return provider;
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** The issuer, as its tokens name it. */
  get issuer(): string {
    return `${this.origin}/realms/shop`;
  }

  end(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  async #respond(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const url = new URL(req.url!, this.origin);
    const path = url.pathname.replace("/realms/shop", "").replace("/protocol/openid-connect", "");
    const form = new URLSearchParams(await textOf(req));
    const json = (value: unknown): void =>
      void res.setHeader("Content-Type", "application/json").end(JSON.stringify(value));
    this.requests.push(path);
    if (path === "/.well-known/openid-configuration") return json(this.#metadata());
    if (path === "/certs") return json({ keys: [this.#jwk()] });
    if (path === "/auth") return this.#authorize(url.searchParams, res);
    if (path === "/token") return json(this.#token(form));
    if (path === "/userinfo") return json({ sub: "tobi", name: "Tobi" });
    if (path === "/logout") return void res.writeHead(302, { Location: "/out" }).end();
    res.writeHead(404).end();
  }

  #metadata(): Record<string, unknown> {
    const base = `${this.issuer}/protocol/openid-connect`;
    return {
      issuer: this.issuer,
      authorization_endpoint: `${base}/auth`,
      token_endpoint: `${base}/token`,
      userinfo_endpoint: `${base}/userinfo`,
      end_session_endpoint: `${base}/logout`,
      jwks_uri: `${base}/certs`,
      response_types_supported: ["code", "id_token", "code id_token"],
      response_modes_supported: ["query", "form_post"],
      id_token_signing_alg_values_supported: ["RS256"],
      subject_types_supported: ["public"],
      token_endpoint_auth_methods_supported: ["client_secret_basic", "client_secret_post"],
    };
  }

  #jwk(): Record<string, unknown> {
    return { ...this.#key.publicKey.export({ format: "jwk" }), kid: "one", alg: "RS256", use: "sig" };
  }

  #authorize(query: URLSearchParams, res: ServerResponse): void {
    const code = randomUUID();
    this.#codes.set(code, {
      nonce: query.get("nonce") ?? undefined,
      challenge: query.get("code_challenge") ?? undefined,
      clientId: query.get("client_id")!,
    });
    const back = new URL(query.get("redirect_uri")!);
    back.searchParams.set("code", code);
    const state = query.get("state");
    if (state !== null) back.searchParams.set("state", state);
    res.writeHead(302, { Location: back.href }).end();
  }

  #token(form: URLSearchParams): unknown {
    const asked = this.#codes.get(form.get("code") ?? "");
    this.#codes.delete(form.get("code") ?? "");
    if (!asked || !isProven(asked.challenge, form.get("code_verifier"))) return { error: "invalid_grant" };
    const now = Math.floor(Date.now() / 1000);
    const claims = { iss: this.issuer, sub: "tobi", iat: now, exp: now + 3600, azp: asked.clientId, name: "Tobi" };
    const { nonce } = asked;
    return {
      access_token: this.#jwt({ ...claims, typ: "Bearer", realm_access: { roles: ["user"] } }),
      refresh_token: this.#jwt({ ...claims, typ: "Refresh" }),
      id_token: this.#jwt({ ...claims, typ: "ID", aud: asked.clientId, ...(nonce && { nonce }) }),
      token_type: "Bearer",
      expires_in: 3600,
    };
  }

  #jwt(claims: object): string {
    const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
    const text = `${encode({ alg: "RS256", kid: "one", typ: "JWT" })}.${encode(claims)}`;
    return `${text}.${sign("sha256", Buffer.from(text), this.#key.privateKey).toString("base64url")}`;
  }
}

function isProven(challenge: string | undefined, verifier: string | null): boolean {
  if (challenge === undefined) return true;
  return (
    challenge ===
    createHash("sha256")
      .update(verifier ?? "")
      .digest("base64url")
  );
}

async function textOf(req: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of req as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
}
