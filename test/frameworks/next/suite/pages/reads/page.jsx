import { getSession } from "../../../lib.js";

async function Owner() {
  return <b>{(await getSession()).owner}</b>;
}

export default async function Reads() {
  const [one, two] = await Promise.all([getSession(), getSession()]);
  return (
    <p>
      {String(one === two)} <Owner /> <Owner />
    </p>
  );
}
