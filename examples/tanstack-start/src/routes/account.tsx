import { createFileRoute } from "@tanstack/react-router";
import { ownerOrLogin } from "../session.functions";

export const Route = createFileRoute("/account")({
  // On the server for the first page, a request of the browser on navigation: the guard is the same.
  beforeLoad: async () => ({ account: await ownerOrLogin() }),
  component: Account,
});

function Account() {
  const { account } = Route.useRouteContext();
  return <h1>Account of {account}</h1>;
}
