/** Sessions for itty-router: `export default { fetch: sessions(router.fetch) }`, then `request.session`. */
import {
  placeSession,
  readSession,
  requestSettings,
  serveFetch,
  WebView,
  withAccess,
  type Session,
  type SessionAccess,
  type SessionOptions,
  type StoredSession,
} from "holdfast/adapter";

export type RouterRequest<D extends object = any> = Request & {
  params?: Record<string, string>;
  session: Session<D>;
};
type Fetch = (request: any, ...rest: any[]) => Promise<Response | undefined>;

export interface Sessions<D extends object> extends SessionAccess<D, Request> {
  (handler: Fetch): Fetch;
  read(request: Request): Promise<StoredSession<D>>;
}

class RouterView extends WebView {
  override param(name: string): string | undefined {
    return (this.context as RouterRequest).params?.[name];
  }
}

export function session<D extends object>(options?: SessionOptions<[RouterRequest]>): Sessions<D> {
  const settings = requestSettings<[RouterRequest], Response | undefined>([options]);
  const wrap =
    (handler: Fetch): Fetch =>
    (request, ...rest) => {
      placeSession(request);
      const handle = (): unknown => handler(request, ...rest);
      return serveFetch({ settings, view: new RouterView(request), context: [request, ...rest], handle });
    };
  const read = async (request: Request): Promise<StoredSession<D>> =>
    readSession<D>(settings, settings.storeFor([request as RouterRequest]), new RouterView(request));
  return withAccess<D, Request, typeof wrap, { read: typeof read }>(settings, wrap, { read });
}
