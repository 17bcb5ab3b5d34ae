/** `take`, `reload` and the options of `authenticate` know the keys of a session. */
import type { AuthenticateOptions, Session } from "holdfast";

interface Data {
  cart: string[];
  flash: string;
}

declare const session: Session<Data>;

export const message: Promise<string | undefined> = session.take("flash");
export const isStored: boolean = session.isStored;
void session.reload();
void session.reload({ discard: true });
void session.authenticate("ann", {
  keep: ["cart"],
  info: { device: "Firefox" },
  idleTimeout: "30d",
  absoluteTimeout: "90d",
  sessionOnly: false,
});
export const options: AuthenticateOptions<Data> = { sessionOnly: true };

// @ts-expect-error: no such key
void session.take("other");
// @ts-expect-error: no such key
void session.authenticate("ann", { keep: ["other"] });
// @ts-expect-error: no such option
void session.authenticate("ann", { remember: true });
