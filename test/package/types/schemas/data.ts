/** The same data by three libraries; `joined` takes a string or a Date and returns a Date. */
import { type } from "arktype";
import type { DataOf } from "holdfast";
import * as v from "valibot";
import * as z from "zod";
import { check, type Same } from "../expect.js";

export interface Item {
  id: string;
  count: number;
}

export const byZod = {
  cart: z.array(z.object({ id: z.string(), count: z.number() })),
  user: z.object({ name: z.string(), admin: z.boolean() }),
};
export const byValibot = {
  cart: v.array(v.object({ id: v.string(), count: v.number() })),
  user: v.object({ name: v.string(), admin: v.boolean() }),
};
export const byArktype = {
  cart: type({ id: "string", count: "number" }).array(),
  user: type({ name: "string", admin: "boolean" }),
};
export const converting = { joined: z.coerce.date<string | Date>(), seen: z.number() };

interface Expected {
  cart: Item[];
  user: { name: string; admin: boolean };
}

check<Same<DataOf<typeof byZod>, Pick<Expected, keyof Expected>>>();
check<Same<DataOf<typeof byValibot>, Pick<Expected, keyof Expected>>>();
check<Same<DataOf<typeof byArktype>, Pick<Expected, keyof Expected>>>();

export type Converted = DataOf<typeof converting>;
check<Same<Converted["joined"], Date>>();

/** One line declares them for `req.session`. */
declare module "holdfast" {
  interface SessionData extends DataOf<typeof byZod> {}
}
