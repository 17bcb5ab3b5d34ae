import { createFileRoute } from "@tanstack/react-router";
import { failing, missing } from "../../suite.functions";

/** A page whose data cannot be loaded. */
export const Route = createFileRoute("/suite/failing")({
  validateSearch: ({ how }) => ({ how }),
  loaderDeps: ({ search: { how } }) => ({ how }),
  loader: ({ deps: { how } }) => (how === "missing" ? missing() : failing()),
  component: () => <p>page</p>,
  errorComponent: ({ error }) => <p>error: {error.message}</p>,
  notFoundComponent: () => <p>not here</p>,
});
