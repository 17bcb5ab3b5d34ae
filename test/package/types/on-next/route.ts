import { session } from "holdfast/fetch";

/** Next's own request, as its declarations have it: it takes 370 MB to install. */
declare const INTERNALS: unique symbol;
declare class NextURL {
  pathname: string;
  searchParams: URLSearchParams;
  clone(): NextURL;
}
declare class NextRequest extends Request {
  [INTERNALS]: { nextUrl: NextURL; url: string };
  get cookies(): { get(name: string): { name: string; value: string } | undefined };
  get nextUrl(): NextURL;
  get page(): void;
  get ua(): void;
  get url(): string;
}
declare class NextResponse<Body = unknown> extends Response {
  [INTERNALS]: { url: string; body?: Body };
  static json<JsonBody>(body: JsonBody, init?: ResponseInit): NextResponse<JsonBody>;
  static next(init?: ResponseInit): NextResponse;
}

interface Data {
  visits: number;
}

const sessions = session<Data>();

/** What Next checks of a route: the second argument has the parameters. */
type RouteHandler = (
  request: NextRequest,
  context: { params: Promise<{ id: string }> },
) => void | Response | Promise<void | Response>;

export const GET: RouteHandler = sessions(
  async (request: NextRequest, { params }: { params: Promise<{ id: string }> }) => {
    const { id } = await params;
    const own = sessions.get(request);
    own.update("visits", (visits = 0) => visits + 1);
    return NextResponse.json({ id, path: request.nextUrl.pathname, visits: own.get("visits") });
  },
);

export const POST: RouteHandler = sessions((request: NextRequest) => new Response(request.nextUrl.pathname));

export const proxy: (request: NextRequest) => Promise<Response | undefined> = sessions((request: NextRequest) =>
  request.nextUrl.pathname === "/" ? undefined : NextResponse.next(),
);
