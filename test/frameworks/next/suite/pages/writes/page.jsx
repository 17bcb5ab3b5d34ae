import { getSession, withSession } from "../../../lib.js";

const messageOf = async (act) => {
  try {
    await act();
    return "no error";
  } catch (error) {
    return `${error.code}: ${error.message}`;
  }
};

const action = withSession((session) => session.set("a", 1));

export default async function Writes() {
  const session = await getSession();
  return (
    <>
      <p>{await messageOf(() => session.set("a", 1))}</p>
      <p>{await messageOf(() => action())}</p>
    </>
  );
}
