import { onConnect, onExpress, onFastify, onHono, onNode } from "../frameworks.js";
import type { Row } from "../row.js";

/** The plainest ways of each framework. */
export const first: readonly Row[] = [
  onNode("res.end(text)", ({ res, touch }) => {
    touch();
    res.end("hello");
  }),
  onNode("res.end(text whose argument asks for the session)", ({ res, touch }) => void res.end(String(touch())), {
    fault: "A29",
  }),
  onConnect("next(error)", ({ next, touch }) => {
    touch();
    next(new Error("sorry"));
  }),
  onExpress("res.json", ({ res, touch }) => {
    touch();
    res.json({ a: 1 });
  }),
  onFastify("return object", ({ touch }) => {
    touch();
    return { a: 1 };
  }),
  onHono("c.text", ({ c, touch }) => {
    touch();
    return c.text("hello");
  }),
];
