import { timingSafeEqual } from "node:crypto";

/** A user who can sign in. */
export interface Person {
  readonly id: number;
  readonly name: string;
  readonly password: string;
  readonly address: string;
}

/** Demonstration users; the sign-in page shows their passwords. A real shop stores password hashes. */
export const people: readonly Person[] = [
  { id: 1, name: "Ines", password: "tidewater", address: "Ines Barros · 14 Quay Lane · Porto" },
  { id: 2, name: "Jonas", password: "lighthouse", address: "Jonas Lind · 3 Harbour Steps · Gothenburg" },
  { id: 3, name: "Mara", password: "saltmarsh", address: "Mara Keogh · The Boathouse · Galway" },
];

/** Returns the user with this name and password. */
export function whoIs(name: string, password: string): Person | undefined {
  const person = people.find((one) => one.name.toLowerCase() === name.trim().toLowerCase());
  return person && isSame(person.password, password) ? person : undefined;
}

/** Returns the user that a session belongs to. */
export function findPerson(owner: string | undefined): Person | undefined {
  return people.find(({ id }) => String(id) === owner);
}

function isSame(expected: string, given: string): boolean {
  const [a, b] = [Buffer.from(expected), Buffer.from(given)];
  return a.length === b.length && timingSafeEqual(a, b);
}
