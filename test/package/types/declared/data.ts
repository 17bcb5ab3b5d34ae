export interface User {
  id: number;
  name: string;
}

export interface Data {
  visits: number;
  cart: string[];
  user?: User;
  at: Date;
}

declare module "holdfast" {
  interface SessionData extends Data {}
}
