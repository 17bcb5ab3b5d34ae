/** Events as AWS makes them of a request, and the responses that it takes: an HTTP server in front of a function. */
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http";
import { buffer } from "node:stream/consumers";
import type { RunningApp } from "../framework.js";
import { listen } from "./listen.js";

/** A function, and what it is called with beside the event. */
export type Invoke = (event: any, context: object) => Promise<any>;

/** How events and responses look. */
interface Format {
  event(request: Asked): object;
  /** Status, and all headers; a header that is there more than once has several values. */
  head(result: any): readonly [status: number, headers: Record<string, string | readonly string[]>];
}

/** What of a request is in each event. */
interface Asked {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

const CONTEXT = { awsRequestId: "c6af9ac6-7b61-11e6-9a41-93e8deadbeef", functionName: "shop" };
const DOMAIN = "d111111abcdef8.example.com";

const single = (headers: IncomingHttpHeaders): Record<string, string> =>
  Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]])),
  );

const multi = (headers: IncomingHttpHeaders): Record<string, readonly string[]> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value ?? ""].flat()]));

const parameters = (query: string): Record<string, string> => Object.fromEntries(new URLSearchParams(query));

const encoded = ({ body }: Asked): object => ({ body: body || null, isBase64Encoded: body !== "" });

export const FORMATS = {
  /** API Gateway's payload 2.0, and Function URLs: cookies are apart from headers. */
  v2: {
    event: (asked) => ({
      version: "2.0",
      routeKey: "$default",
      rawPath: asked.path,
      rawQueryString: asked.query,
      ...(asked.headers.cookie !== undefined && { cookies: asked.headers.cookie.split("; ") }),
      headers: single({ ...asked.headers, cookie: undefined }),
      queryStringParameters: parameters(asked.query),
      requestContext: {
        accountId: "123456789012",
        apiId: "api-id",
        domainName: DOMAIN,
        http: {
          method: asked.method,
          path: asked.path,
          protocol: "HTTP/1.1",
          sourceIp: "192.0.2.1",
          userAgent: "agent",
        },
        requestId: "id",
        stage: "$default",
        timeEpoch: 1583348638390,
      },
      ...encoded(asked),
    }),
    head: ({ statusCode, headers, cookies }) => [
      statusCode,
      { ...headers, ...(cookies && { "set-cookie": cookies }) },
    ],
  },
  /** API Gateway's payload 1.0, of REST APIs. */
  v1: {
    event: (asked) => ({
      version: "1.0",
      resource: "/{proxy+}",
      path: asked.path,
      httpMethod: asked.method,
      headers: single(asked.headers),
      multiValueHeaders: multi(asked.headers),
      queryStringParameters: parameters(asked.query),
      requestContext: {
        domainName: DOMAIN,
        httpMethod: asked.method,
        path: asked.path,
        identity: { sourceIp: "192.0.2.1" },
      },
      ...encoded(asked),
    }),
    head: ({ statusCode, headers, multiValueHeaders }) => [statusCode, { ...headers, ...multiValueHeaders }],
  },
  /** An Application Load Balancer with multi-value headers turned on. */
  alb: {
    event: (asked) => ({
      requestContext: {
        elb: { targetGroupArn: "arn:aws:elasticloadbalancing:us-east-2:123456789012:targetgroup/shop/1" },
      },
      httpMethod: asked.method,
      path: asked.path,
      multiValueQueryStringParameters: multi(parameters(asked.query)),
      multiValueHeaders: multi(asked.headers),
      ...encoded(asked),
    }),
    head: ({ statusCode, multiValueHeaders }) => [statusCode, multiValueHeaders],
  },
  /** CloudFront's Lambda@Edge. */
  edge: {
    event: (asked) => ({
      Records: [
        {
          cf: {
            config: {
              distributionDomainName: DOMAIN,
              distributionId: "EDFDVBD6EXAMPLE",
              eventType: "origin-request",
            },
            request: {
              clientIp: "192.0.2.1",
              method: asked.method,
              uri: asked.path,
              querystring: asked.query,
              headers: Object.fromEntries(
                Object.entries(single(asked.headers)).map(([key, value]) => [key, [{ key, value }]]),
              ),
              body: { action: "read-only", data: asked.body, encoding: "base64", inputTruncated: false },
            },
          },
        },
      ],
    }),
    head: ({ status, headers }) => [
      Number(status),
      Object.fromEntries(
        Object.entries(headers as Record<string, { value: string }[]>).map(([name, all]) => [
          name,
          all.map(({ value }) => value),
        ]),
      ),
    ],
  },
} as const satisfies Readonly<Record<string, Format>>;

export type FormatName = keyof typeof FORMATS;

/** Serves a function whose events have this format. */
export function serveEvents(name: FormatName, invoke: Invoke): Promise<RunningApp> {
  const { event, head }: Format = FORMATS[name];
  return serving(async (asked, response) => {
    const result = await invoke(event(asked), CONTEXT);
    const [status, headers] = head(result);
    const isEncoded = result.isBase64Encoded === true || result.bodyEncoding === "base64";
    response.writeHead(status, headers as Record<string, string | string[]>);
    response.end(Buffer.from(result.body ?? "", isEncoded ? "base64" : "utf8"));
  });
}

interface StreamedHead {
  readonly statusCode: number;
  readonly headers: Record<string, string>;
  readonly cookies: string[];
}

/** What the runtime of Lambda puts into the global scope for functions that stream. */
const AWSLAMBDA = {
  streamifyResponse: (handler: unknown) => handler,
  HttpResponseStream: {
    from(response: ServerResponse, { statusCode, headers, cookies }: StreamedHead): ServerResponse {
      return response.writeHead(statusCode, { ...headers, "set-cookie": cookies });
    },
  },
};

/** Serves a function that streams; `make` is called once the globals of such a function exist. */
export function serveStreamed(
  make: () => (event: any, response: ServerResponse, context: object) => Promise<void>,
): Promise<RunningApp> {
  Object.assign(globalThis, { awslambda: AWSLAMBDA });
  const handler = make();
  return serving((asked, response) => handler(FORMATS.v2.event(asked), response, CONTEXT));
}

function serving(answer: (asked: Asked, response: ServerResponse) => Promise<void>): Promise<RunningApp> {
  const respond = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const [path = "/", query = ""] = request.url!.split("?");
    const body = (await buffer(request)).toString("base64");
    await answer({ method: request.method!, path, query, headers: request.headers, body }, response);
  };
  return listen((request, response) => {
    respond(request, response).catch((error: unknown) => response.writeHead(502).end(String(error)));
  });
}
