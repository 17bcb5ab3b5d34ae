declare module "holdfast" {
  interface SessionData {
    cart: string[];
  }
}

export {};
