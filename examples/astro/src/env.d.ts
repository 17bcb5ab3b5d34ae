declare namespace App {
  interface SessionData {
    cart: string[];
  }
  interface Locals {
    session: import("holdfast").Session<SessionData>;
  }
}
