import { createFileRoute } from "@tanstack/react-router";
import { owner } from "../../suite.functions";

export const Route = createFileRoute("/suite/account")({
  beforeLoad: async () => ({ account: await owner() }),
  component: () => <p>account of {Route.useRouteContext().account}</p>,
});
