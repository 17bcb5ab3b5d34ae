import type { IncomingMessage, ServerResponse } from "node:http";

/** What a function is called with; the shapes are those of the documentation of the platforms. */
export type Event = Readonly<Record<string, unknown>>;

/** What a function returns. */
export interface Result {
  readonly statusCode: number;
  readonly headers?: Readonly<Record<string, unknown>>;
  readonly multiValueHeaders?: Readonly<Record<string, readonly string[]>>;
  readonly cookies?: readonly string[];
  readonly body?: string;
  readonly isBase64Encoded?: boolean;
}

/** What stands between clients and functions: it makes an event of a request, and a response of a result. */
export interface Gateway {
  event(req: IncomingMessage, body: Buffer): Event;
  /** The headers of the response: of the result it reads what the platform reads. */
  headers(result: Result): Record<string, unknown>;
}

type Pairs = readonly (readonly [name: string, value: string])[];

/** The headers as they were sent, with what the gateway adds. */
function headersOf({ rawHeaders }: IncomingMessage): Pairs {
  const names = rawHeaders.filter((_, i) => i % 2 === 0 && rawHeaders[i]!.toLowerCase() !== "host");
  const sent = names.map((name) => [name, rawHeaders[rawHeaders.indexOf(name) + 1]!] as const);
  const added = { Host: "api.example.com", "X-Forwarded-For": "203.0.113.7", "X-Forwarded-Proto": "https" };
  return [...sent, ...Object.entries(added)];
}

const single = (pairs: Pairs): Record<string, string> => Object.fromEntries(pairs);
const lower = (pairs: Pairs): Pairs => pairs.map(([name, value]) => [name.toLowerCase(), value]);

function multi(pairs: Pairs): Record<string, string[]> {
  const all: Record<string, string[]> = {};
  for (const [name, value] of pairs) (all[name] ??= []).push(value);
  return all;
}

const urlOf = (req: IncomingMessage): URL => new URL(req.url!, "https://api.example.com");

/** Forms are no text to API Gateway's version 2 and to function URLs. */
const asBase64 = (body: Buffer): object =>
  body.length === 0 ? { isBase64Encoded: false } : { body: body.toString("base64"), isBase64Encoded: true };

const asText = (body: Buffer): object => ({
  body: body.length === 0 ? null : body.toString(),
  isBase64Encoded: false,
});

const orNull = (value: Record<string, unknown>): object | null => (Object.keys(value).length > 0 ? value : null);

/** API Gateway, payload format 1.0: REST APIs, and HTTP APIs that choose it. */
const rest: Gateway = {
  event(req, body) {
    const { pathname, searchParams } = urlOf(req);
    const pairs = headersOf(req);
    const identity = { accountId: null, sourceIp: "203.0.113.7", user: null, userAgent: "suite", userArn: null };
    return {
      resource: "/{proxy+}",
      path: pathname,
      httpMethod: req.method,
      headers: single(pairs),
      multiValueHeaders: multi(pairs),
      queryStringParameters: orNull(Object.fromEntries(searchParams)),
      multiValueQueryStringParameters: orNull(multi([...searchParams])),
      pathParameters: { proxy: pathname.slice(1) },
      stageVariables: null,
      requestContext: {
        accountId: "123456789012",
        apiId: "1234567890",
        domainName: "api.example.com",
        httpMethod: req.method,
        identity,
        path: `/prod${pathname}`,
        protocol: "HTTP/1.1",
        requestId: "c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
        resourcePath: "/{proxy+}",
        stage: "prod",
      },
      ...asText(body),
    };
  },
  headers: ({ headers = {}, multiValueHeaders = {} }) => ({ ...headers, ...multiValueHeaders }),
};

function version2(req: IncomingMessage, body: Buffer, context: object): Event {
  const { pathname, search, searchParams } = urlOf(req);
  const pairs = lower(headersOf(req));
  const cookies = pairs.find(([name]) => name === "cookie")?.[1].split("; ");
  return {
    version: "2.0",
    routeKey: "$default",
    rawPath: pathname,
    rawQueryString: search.slice(1),
    ...(cookies && { cookies }),
    headers: single(pairs.filter(([name]) => name !== "cookie")),
    ...(search && { queryStringParameters: Object.fromEntries(searchParams) }),
    requestContext: {
      accountId: "123456789012",
      domainName: "api.example.com",
      http: { method: req.method, path: pathname, protocol: "HTTP/1.1", sourceIp: "203.0.113.7", userAgent: "suite" },
      requestId: "JKJaXmPLvHcESHA=",
      routeKey: "$default",
      stage: "$default",
      time: "28/Nov/2026:20:00:00 +0000",
      timeEpoch: 1_795_896_000_000,
      ...context,
    },
    ...asBase64(body),
  };
}

const ofVersion2 = ({ headers = {}, cookies = [] }: Result): Record<string, unknown> => ({
  ...headers,
  ...(cookies.length > 0 && { "set-cookie": cookies }),
});

const NOT_NETLIFY: readonly string[] = ["resource", "requestContext", "pathParameters", "stageVariables"];

const elb = { elb: { targetGroupArn: "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/suite/6d0" } };

function alb(req: IncomingMessage, body: Buffer, isMulti: boolean): Event {
  const { pathname, searchParams } = urlOf(req);
  const pairs = lower(headersOf(req));
  const many = { multiValueHeaders: multi(pairs), multiValueQueryStringParameters: multi([...searchParams]) };
  const one = { headers: single(pairs), queryStringParameters: Object.fromEntries(searchParams) };
  const text = { body: body.toString(), isBase64Encoded: false };
  return { requestContext: elb, httpMethod: req.method, path: pathname, ...(isMulti ? many : one), ...text };
}

export const GATEWAYS: Readonly<Record<string, Gateway>> = {
  "API Gateway 1": rest,
  "API Gateway 2": { event: (req, body) => version2(req, body, { apiId: "r3pmxmplak" }), headers: ofVersion2 },
  "function URL": {
    event: (req, body) => version2(req, body, { apiId: "url-id", authentication: null }),
    headers: ofVersion2,
  },
  "ALB, multi-value": {
    event: (req, body) => alb(req, body, true),
    headers: ({ multiValueHeaders = {} }) => ({ ...multiValueHeaders }),
  },
  ALB: { event: (req, body) => alb(req, body, false), headers: ({ headers = {} }) => ({ ...headers }) },
  /** The older functions of Netlify, whose events have no context. */
  "Netlify event": {
    event(req, body) {
      const { href, search } = urlOf(req);
      const all = { ...rest.event(req, body), rawUrl: href, rawQuery: search.slice(1) };
      return Object.fromEntries(Object.entries(all).filter(([name]) => !NOT_NETLIFY.includes(name)));
    },
    headers: rest.headers,
  },
};

/** Sends what a function returned, as its gateway does. */
export function send(res: ServerResponse, gateway: Gateway, result: Result): void {
  const { statusCode, body = "", isBase64Encoded } = result;
  for (const [name, value] of Object.entries(gateway.headers(result)))
    if (!/^(content-length|transfer-encoding|connection|keep-alive|date)$/i.test(name))
      res.setHeader(name, value as string);
  res.writeHead(statusCode).end(Buffer.from(body, isBase64Encoded ? "base64" : "utf8"));
}
