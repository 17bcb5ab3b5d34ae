import { Link, Links, Meta, Outlet, Scripts } from "react-router";
import { sessions } from "./sessions.server";

export const middleware = [sessions];

export default function App() {
  return (
    <html lang="en">
      <head>
        <meta charSet="utf-8" />
        <meta name="viewport" content="width=device-width" />
        <Meta />
        <Links />
      </head>
      <body>
        <nav>
          <Link to="/">Start</Link> <Link to="/cart">Cart</Link> <Link to="/account">Account</Link>
        </nav>
        <Outlet />
        <Scripts />
      </body>
    </html>
  );
}
