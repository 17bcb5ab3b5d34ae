import { redirect } from "next/navigation";
import { getSession } from "../../lib/session";

export default async function Account() {
  const { owner } = await getSession();
  if (owner === undefined) redirect("/login");
  return <h1>Account of {owner}</h1>;
}
