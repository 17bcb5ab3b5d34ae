import { createRootRoute, HeadContent, Link, Outlet, Scripts } from "@tanstack/react-router";
import { useServerFn } from "@tanstack/react-start";
import { logout, whoAndCart } from "../session.functions";

// Runs again on each navigation, so the pages below it show who is logged in now.
export const Route = createRootRoute({ beforeLoad: () => whoAndCart(), component: Page });

function Page() {
  const { owner } = Route.useRouteContext();
  return (
    <html lang="en">
      <head>
        <HeadContent />
      </head>
      <body>
        <Link to="/">Home</Link> <Link to="/account">Account</Link> <span id="owner">{owner ?? "nobody"}</span>
        {owner && <Logout />}
        <Outlet />
        <Scripts />
      </body>
    </html>
  );
}

function Logout() {
  const send = useServerFn(logout);
  return (
    <form action={() => send()}>
      <button>Log out</button>
    </form>
  );
}
