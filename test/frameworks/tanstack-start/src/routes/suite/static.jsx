import { createFileRoute } from "@tanstack/react-router";
import { readOrSay } from "../../suite.functions";

/** Rendered when the application is built. */
export const Route = createFileRoute("/suite/static")({
  loader: () => readOrSay(),
  component: () => <p id="static">{Route.useLoaderData()}</p>,
});
