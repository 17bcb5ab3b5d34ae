import { session } from "holdfast/fetch";
import { memoryStorage } from "holdfast/storage/memory";

interface Data {
  visits: number;
}

interface Env {
  readonly NAME: string;
}

const sessions = session<Data>({
  storage: (_request, env: Env) => (env.NAME === "" ? memoryStorage() : memoryStorage()),
});

/** The types of all arguments come from what is exported. */
export default {
  fetch: sessions(async (request, env, ctx) => {
    ctx.waitUntil(Promise.resolve());
    sessions.get(request).update("visits", (visits = 0) => visits + 1);
    return new Response(`${env.NAME} ${request.cf?.country}`);
  }),
} satisfies ExportedHandler<Env>;

/** Written out. */
export const written: ExportedHandler<Env> = {
  fetch: sessions((request: Request<unknown, IncomingRequestCfProperties>, env: Env, ctx: ExecutionContext) => {
    ctx.passThroughOnException();
    return new Response(request.url + env.NAME);
  }),
};
