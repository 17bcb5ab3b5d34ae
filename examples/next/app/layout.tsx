import type { ReactNode } from "react";
import { logout } from "./actions";
import { getSession } from "../lib/session";

export const metadata = { title: "Holdfast and Next" };

export default async function Layout({ children }: { children: ReactNode }) {
  const { owner } = await getSession();
  return (
    <html lang="en">
      <body>
        <header>
          <a href="/">Home</a> <a href="/account">Account</a> <span id="owner">{owner ?? "nobody"}</span>
          {owner && (
            <form action={logout}>
              <button>Log out</button>
            </form>
          )}
        </header>
        {children}
      </body>
    </html>
  );
}
