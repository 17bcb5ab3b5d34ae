import { sessions } from "../sessions.server";
import { fail } from "../story.js";

export const loader = ({ context }) => fail(sessions.get(context));

export default () => <h1>Never</h1>;
