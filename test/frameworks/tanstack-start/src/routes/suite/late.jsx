import { Await, createFileRoute } from "@tanstack/react-router";
import { Suspense } from "react";
import { late } from "../../suite.functions";

/** A page whose first part is sent before all of its data is there. */
export const Route = createFileRoute("/suite/late")({
  loader: () => ({ later: late().catch((error) => `refused: ${error.message}`) }),
  component: Page,
});

function Page() {
  const { later } = Route.useLoaderData();
  return (
    <Suspense fallback={<p>first</p>}>
      <Await promise={later}>{(text) => <p>{text}</p>}</Await>
    </Suspense>
  );
}
