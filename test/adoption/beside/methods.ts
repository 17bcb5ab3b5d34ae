import { stable, type Handler, type Program } from "../program.js";

/** The methods of a session, and of its store. */

const MINUTE = 60_000;

/** A handler that calls a method with a callback, and says what it was given. */
function calling(method: string, then: (req: any) => void = () => {}): Handler {
  return (req, res, _next, { note }) => {
    const before = req.sessionID as string;
    req.session[method]((...args: unknown[]) => {
      note(`called back with ${stable(args)}, same id ${before === req.sessionID}, session ${typeof req.session}`);
      then(req);
      res.end("done");
    });
  };
}

const LOGIN: Readonly<Record<string, Handler>> = {
  "/login": (req, res, next) => {
    req.session.regenerate((error?: unknown) => {
      if (error) return next(error);
      req.session.user = "tobi";
      req.session.save((error?: unknown) => (error ? next(error) : res.redirect("/data")));
    });
  },
  "/logout": (req, res, next) => {
    req.session.user = null;
    req.session.save((error?: unknown) => {
      if (error) return next(error);
      req.session.regenerate((error?: unknown) => (error ? next(error) : res.redirect("/data")));
    });
  },
  "/leave": (req, res, next) => {
    req.session.destroy((error?: unknown) => (error ? next(error) : res.redirect("/data")));
  },
};

function story(
  name: string,
  routes: Readonly<Record<string, Handler>>,
  paths: readonly string[],
  more: Partial<Program> = {},
): Program {
  return {
    name,
    routes,
    visit: async (client) => {
      for (const path of paths) {
        client.advance(1000);
        await client.get(path);
      }
    },
    ...more,
  };
}

const regenerate: readonly Program[] = [
  story("regenerate: a new id, an empty session, the old one gone", { "/r": calling("regenerate") }, [
    "/count",
    "/r",
    "/data",
  ]),
  story("regenerate: written in the callback", { "/r": calling("regenerate", (req) => (req.session.user = 1)) }, [
    "/count",
    "/r",
    "/data",
  ]),
  story("regenerate of a visitor", { "/r": calling("regenerate") }, ["/r", "/data"]),
  story(
    "regenerate of a visitor, written in the callback",
    { "/r": calling("regenerate", (req) => (req.session.user = 1)) },
    ["/r", "/data"],
  ),
  story("regenerate of a visitor, saveUninitialized", { "/r": calling("regenerate") }, ["/r", "/data"], {
    options: { saveUninitialized: true },
  }),
  story(
    "regenerate keeps the options of the cookie",
    { "/r": calling("regenerate", (req) => (req.session.user = 1)) },
    ["/count", "/r", "/read"],
    { options: { cookie: { maxAge: MINUTE, sameSite: "lax" } } },
  ),
  story(
    "regenerate forgets what a session changed of its cookie",
    {
      "/long": (req, res) => {
        req.session.cookie.maxAge = 10 * MINUTE;
        req.session.n = 1;
        res.end();
      },
      "/r": calling("regenerate", (req) => (req.session.user = 1)),
    },
    ["/long", "/r", "/read"],
    { options: { cookie: { maxAge: MINUTE } } },
  ),
  story(
    "regenerate twice in one request",
    {
      "/r": (req, res) => {
        req.session.regenerate(() => {
          req.session.first = 1;
          req.session.regenerate(() => {
            req.session.second = 2;
            res.end("twice");
          });
        });
      },
    },
    ["/count", "/r", "/data"],
  ),
  story(
    "regenerate, then destroy",
    {
      "/r": (req, res) => {
        req.session.regenerate(() => req.session.destroy(() => res.end(String(req.session))));
      },
    },
    ["/count", "/r", "/data"],
  ),
  story(
    "regenerate, then save",
    {
      "/r": (req, res) => {
        req.session.regenerate(() => {
          req.session.user = 1;
          req.session.save(() => res.end("saved"));
        });
      },
    },
    ["/count", "/r", "/data"],
  ),
  {
    name: "regenerate: the old id opens nothing",
    routes: { "/r": calling("regenerate", (req) => (req.session.user = 1)) },
    visit: async (client) => {
      await client.get("/count");
      const cookie = `connect.sid=${client.jar.get("connect.sid")}`;
      await client.get("/r");
      await client.get("/data", { cookie });
      await client.get("/count", { cookie });
    },
  },
  story("login and logout as the documentation of Express has them", LOGIN, [
    "/login",
    "/data",
    "/count",
    "/logout",
    "/data",
  ]),
  story("a session before the login is emptied by it", LOGIN, ["/count", "/login", "/data"]),
  story(
    "the session that was is another object",
    {
      "/r": (req, res) => {
        const old = req.session;
        req.session.regenerate(() => {
          old.late = true;
          res.end(`${old === req.session} ${old.id === req.session.id} ${req.session.late}`);
        });
      },
    },
    ["/count", "/r", "/data"],
  ),
  story(
    "regenerate without a callback",
    {
      "/r": (req, res, next) => {
        try {
          req.session.regenerate();
          res.end("called");
        } catch (error) {
          next(error);
        }
      },
    },
    ["/count", "/r"],
  ),
];

const destroy: readonly Program[] = [
  story("destroy with a callback", { "/d": calling("destroy") }, ["/count", "/d", "/data"]),
  story(
    "destroy without a callback",
    {
      "/d": (req, res) => {
        req.session.destroy();
        res.end(String(req.session));
      },
    },
    ["/count", "/d", "/data"],
  ),
  story("destroy of a visitor", { "/d": calling("destroy") }, ["/d", "/data"]),
  story("destroy, cookie: rolling", { "/d": calling("destroy") }, ["/count", "/d", "/data"], {
    options: { rolling: true, cookie: { maxAge: MINUTE } },
    issues: "expressjs/session#241",
  }),
  story("destroy, then a request that writes with the old cookie", { "/d": calling("destroy") }, [
    "/count",
    "/d",
    "/count",
    "/data",
  ]),
  story(
    "destroy twice",
    {
      "/d": (req, res) => {
        const { session } = req;
        session.destroy(() => session.destroy((error?: unknown) => res.end(`twice ${error ?? "well"}`)));
      },
    },
    ["/count", "/d", "/data"],
  ),
  story(
    "destroy, then the session's object is written and saved",
    {
      "/d": (req, res) => {
        const { session } = req;
        session.destroy(() => {
          session.again = true;
          res.end("written");
        });
      },
    },
    ["/count", "/d", "/data"],
  ),
  story(
    "destroy, then res.clearCookie",
    {
      "/d": (req, res) => {
        req.session.destroy(() => {
          res.clearCookie("connect.sid");
          res.end("cleared");
        });
      },
    },
    ["/count", "/d", "/data"],
  ),
  story("logout and what is on the page after it", LOGIN, ["/login", "/leave", "/data"]),
  story(
    "destroy answers the session, for chains",
    {
      "/d": (req, res) => {
        const { session } = req;
        const result = session.destroy(() => {});
        setImmediate(() => setImmediate(() => res.end(String(result === session))));
      },
    },
    ["/count", "/d"],
  ),
];

const reload: readonly Program[] = [
  story(
    "reload: what another wrote",
    {
      "/reload": (req, res) => {
        req.session.mine = "unsaved";
        req.session.reload((error?: unknown) => res.end(`${error ?? "well"} ${req.session.mine} ${req.session.n}`));
      },
    },
    ["/count", "/reload", "/data"],
  ),
  story(
    "reload of a session that is gone",
    {
      "/reload": (req, res, _next, { note }) => {
        const { session } = req;
        req.sessionStore.destroy(req.sessionID, () => {
          session.reload((error?: any) => {
            note(`called back with ${error?.message}`);
            res.end("done");
          });
        });
      },
    },
    ["/count", "/reload", "/data"],
  ),
  story(
    "reload of a visitor",
    {
      "/reload": (req, res) => {
        req.session.reload((error?: any) => res.end(`error ${error?.message}`));
      },
    },
    ["/reload"],
  ),
  story(
    "reload, then written",
    {
      "/reload": (req, res) => {
        req.session.reload(() => {
          req.session.n += 10;
          res.end("written");
        });
      },
    },
    ["/count", "/reload", "/data"],
  ),
  story(
    "reload gives a new object",
    {
      "/reload": (req, res) => {
        const old = req.session;
        old.reload(() => res.end(String(old === req.session)));
      },
    },
    ["/count", "/reload"],
  ),
  story(
    "reload keeps the cookie's deadline of the store",
    {
      "/reload": (req, res) => {
        req.session.reload(() => res.end(`${req.session.cookie.maxAge} ${req.session.cookie.originalMaxAge}`));
      },
    },
    ["/count", "/reload", "/reload"],
    { options: { cookie: { maxAge: MINUTE } } },
  ),
];

const save: readonly Program[] = [
  story("save with a callback, then nothing more to do at the end", { "/s": calling("save") }, [
    "/count",
    "/s",
    "/data",
  ]),
  story(
    "save without a callback",
    {
      "/s": (req, res) => {
        req.session.n = 5;
        req.session.save();
        setImmediate(() => setImmediate(() => res.end("saved")));
      },
    },
    ["/s", "/data"],
  ),
  story(
    "save, then written again",
    {
      "/s": (req, res) => {
        req.session.n = 5;
        req.session.save(() => {
          req.session.n = 6;
          res.end("written");
        });
      },
    },
    ["/s", "/data"],
  ),
  story(
    "save, then redirect",
    {
      "/s": (req, res) => {
        req.session.n = 5;
        req.session.save(() => res.redirect("/data"));
      },
    },
    ["/s", "/data"],
    { issues: "expressjs/session#526, #309" },
  ),
  story(
    "redirect without save",
    {
      "/s": (req, res) => {
        req.session.n = 5;
        res.redirect("/data");
      },
    },
    ["/s", "/data"],
    { issues: "expressjs/session#526, #309" },
  ),
  story(
    "save twice",
    {
      "/s": (req, res) => {
        req.session.n = 5;
        req.session.save(() => req.session.save(() => res.end("twice")));
      },
    },
    ["/s", "/data"],
  ),
  story(
    "save answers the session, for chains",
    {
      "/s": (req, res) => {
        req.session.n = 5;
        res.end(String(req.session.save() === req.session));
      },
    },
    ["/s", "/data"],
  ),
  story(
    "touch answers the session, for chains",
    { "/t": (req, res) => res.end(String(req.session.touch() === req.session)) },
    ["/count", "/t"],
  ),
];

const shape: readonly Program[] = [
  story(
    "id and sessionID",
    {
      "/id": (req, res) => {
        req.session.n = 1;
        res.end(
          `${req.session.id === req.sessionID} ${typeof req.session.id} ${Object.keys(req.session).toSorted()}`,
        );
      },
    },
    ["/id", "/id"],
  ),
  story(
    "the id cannot be assigned",
    {
      "/id": (req, res) => {
        const { id } = req.session;
        try {
          req.session.id = "mine";
        } catch {
          // In strict mode an assignment to a property that is not writable throws.
        }
        req.session.n = 1;
        res.end(String(req.session.id === id));
      },
    },
    ["/id"],
  ),
  story(
    "what a session's keys are",
    {
      "/keys": (req, res) => {
        req.session.a = 1;
        const found: string[] = [];
        for (const key in req.session) found.push(key);
        res.end(`${found.toSorted()} ${"a" in req.session} ${"b" in req.session} ${Object.hasOwn(req.session, "a")}`);
      },
    },
    ["/keys", "/keys"],
  ),
  story(
    "Object.assign and spread",
    {
      "/assign": (req, res) => {
        Object.assign(req.session, { a: 1, b: { c: 2 } });
        res.end(stable({ ...req.session, cookie: undefined }));
      },
    },
    ["/assign", "/data"],
  ),
  story(
    "JSON of a session",
    { "/json": (req, res) => res.json(Object.keys(JSON.parse(JSON.stringify(req.session)) as object)) },
    ["/count", "/json"],
  ),
  story(
    "req.session is replaced by an object of the application",
    {
      "/replace": (req, res) => {
        req.session = { mine: 1 };
        res.end("replaced");
      },
    },
    ["/count", "/replace", "/data"],
    { isEndless: true },
  ),
  story(
    "instanceof the session's class",
    { "/is": (req, res, _next, { session }) => res.end(String(req.session instanceof session.Session)) },
    ["/count", "/is"],
  ),
  story(
    "sessionStore: get, set and destroy by hand",
    {
      "/store": (req, res) => {
        const id = req.sessionID as string;
        req.sessionStore.get(id, (_error: unknown, found: any) => {
          req.sessionStore.set(id, { ...found, byHand: true }, () => res.end(`${typeof found} ${found?.n}`));
        });
      },
      "/end": (req, res) =>
        req.sessionStore.destroy(req.sessionID, (error?: unknown) => res.end(`${error ?? "well"}`)),
    },
    ["/count", "/store", "/data", "/end", "/data"],
  ),
  story(
    "sessionStore.load, as sockets use it",
    {
      "/load": (req, res) => {
        req.sessionStore.load(req.sessionID, (error: unknown, found: any) => {
          res.end(`${error ?? "well"} ${found?.n} ${typeof found?.save} ${found?.cookie?.originalMaxAge}`);
        });
      },
    },
    ["/count", "/load"],
  ),
  story(
    "sessionStore.generate, as old logins use it",
    {
      "/generate": (req, res) => {
        const { sessionID } = req;
        req.sessionStore.generate(req);
        req.session.user = 1;
        res.end(String(sessionID === req.sessionID));
      },
    },
    ["/count", "/generate", "/data"],
  ),
  story(
    "sessionStore.createSession with data",
    {
      "/create": (req, res) => {
        const made = req.sessionStore.createSession(req, { cookie: { path: "/", originalMaxAge: null }, n: 7 });
        res.end(`${made === req.session} ${req.session.n}`);
      },
    },
    ["/count", "/create", "/data"],
  ),
  story(
    "the documented view counter",
    {
      "/views": (req, res) => {
        if (req.session.views) {
          req.session.views += 1;
          res.setHeader("Content-Type", "text/html");
          res.write(`<p>views: ${req.session.views}</p>`);
          res.end();
        } else {
          req.session.views = 1;
          res.end("welcome to the session demo. refresh!");
        }
      },
    },
    ["/views", "/views", "/views"],
  ),
  story(
    "two handlers of one request write",
    {
      "/two": (req, res) => {
        req.session.second = true;
        res.end();
      },
    },
    ["/two", "/data"],
    {
      app: (app) =>
        app.use((req: any, _res: unknown, next: () => void) => {
          req.session.first = true;
          next();
        }),
    },
  ),
  story(
    "a handler that throws after it wrote",
    {
      "/throw": (req) => {
        req.session.n = 5;
        throw new Error("after the write");
      },
    },
    ["/throw", "/data"],
  ),
  story(
    "a promise that rejects after a write",
    {
      "/reject": async (req) => {
        req.session.n = 5;
        await Promise.resolve();
        throw new Error("after the write");
      },
    },
    ["/reject", "/data"],
  ),
  story(
    "written after an await",
    {
      "/await": async (req, res) => {
        await new Promise((resolve) => setImmediate(resolve));
        req.session.n = 5;
        res.end();
      },
    },
    ["/await", "/data"],
  ),
];

/** The programs of this file. */
export const METHODS: readonly Program[] = [...regenerate, ...destroy, ...reload, ...save, ...shape];
