import { redirect } from "next/navigation";
import { getSession } from "../../lib.js";

export default async function Account() {
  const { owner } = await getSession();
  if (owner === undefined) redirect("/suite/untouched");
  return <p>account of {owner}</p>;
}
