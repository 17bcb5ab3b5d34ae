import { leave, loginHere, loginInSteps } from "./actions.js";
import { getSession } from "../../../lib.js";

export default async function Form() {
  const session = await getSession();
  return (
    <>
      <p>{`owner ${session.owner}, steps ${session.get("steps")}`}</p>
      <form id="here" action={loginHere}>
        <button>log in</button>
      </form>
      <form id="steps" action={loginInSteps}>
        <button>log in in steps</button>
      </form>
      <form id="leave" action={leave}>
        <button>leave</button>
      </form>
    </>
  );
}
