import type { Session } from "holdfast/sveltekit";

declare global {
  namespace App {
    interface SessionData {
      cart: string[];
    }
    interface Locals {
      readonly session: Session<SessionData>;
    }
  }
}
