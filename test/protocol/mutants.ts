/** Builds of the library with one mechanism switched off. */
import { cpSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

interface Patch {
  readonly file: string;
  readonly find: string;
  readonly put: string;
}

/** A mechanism that is missing, and the proof that has to notice. */
export interface Mutant {
  readonly proof: string;
  readonly patches: readonly Patch[];
}

const [RECORDS, PERSISTENCE, CHANGE, COMMIT, CORE, REQUEST, OPENING, OWNERS] = [
  "records",
  "persistence",
  "change",
  "commit",
  "core",
  "request-session",
  "opening",
  "owners",
].map((name) => `session/${name}.js`) as [string, string, string, string, string, string, string, string];

const ADOPTION = "session/adoption.js";
const NOTE_FIRST = 'const note = await this.#read(); const old = await this.#ask("read"';
const REMOVED_FIRST = "await this.#removeOld(live.hash); const note = await this.#insert(";

const without = (proof: string, file: string, find: string, put: string): Mutant => ({
  proof,
  patches: [{ file, find, put }],
});

export const MUTANTS: Readonly<Record<string, Mutant>> = {
  "no marker: a renewal deletes the old record": without(
    "visitors",
    RECORDS,
    "const marker = {",
    "return this.delete(hash, version, deadline); const marker = {",
  ),
  "a marker that names no successor": without(
    "visitors",
    RECORDS,
    "retiredAt, successor,",
    'retiredAt, successor: "nobody",',
  ),
  "a renewal that leaves the old record": without(
    "visitors",
    PERSISTENCE,
    "let own = successor;",
    "return Promise.resolve(successor); let own = successor;",
  ),
  "a renewal of a session that is gone": without(
    "visitors",
    PERSISTENCE,
    'if (met.kind !== "live")',
    'if (met.kind !== "live") return own; if (false)',
  ),
  "a renewal that fails and leaves its record": without(
    "visitors",
    PERSISTENCE,
    "await this.#discard(own, deadline);",
    "",
  ),
  "a save that overwrites what it meets": without("visitors", PERSISTENCE, "this.#merge(live, writing);", ""),
  "a logout that follows no marker": without(
    "visitors",
    CHANGE,
    "[hash, known] = [met.successor, undefined];",
    "return false;",
  ),
  "an answer that came late is believed": without(
    "visitors, resent",
    PERSISTENCE,
    "async #stillThere(own, deadline) {",
    "async #stillThere(own, deadline) { return own;",
  ),
  "what was taken is not asked for again": without(
    "visitors",
    "session/draft.js",
    "if (taken.text === stored)",
    "if (true)",
  ),
  "no write id": without("visitors, resent", "codecs/record.js", "if (writes.startsWith(writeId, at))", "if (false)"),
  "one write id for a request instead of a save": without(
    "visitors",
    COMMIT,
    "const writeId = drawWriteId();",
    "const writeId = (draft.only ??= drawWriteId());",
  ),
  "the cookie before the save": {
    proof: "visitors, failed before",
    patches: [
      {
        file: COMMIT,
        find: "const failure = { error };",
        put: 'const failure = { error }; if (isBeginning(plan)) return { state: replying(fallback, { token: tokenIn(plan.state), why: "new", lifetime: 1000 }), failure };',
      },
      { file: REQUEST, find: "if (!core || hasFailed(this.#stage))", put: "if (!core)" },
    ],
  },
  "a refresh that found nothing is answered": without(
    "visitors",
    COMMIT,
    "await persistence.touch(state.live);",
    "(await persistence.touch(state.live)) ?? state.live;",
  ),
  "what save() told is not looked at again": without(
    "visitors",
    "session/plan.js",
    "return mustLook ?",
    "return false ?",
  ),
  "late requests are ordinary ones": without(
    "visitors",
    OPENING,
    "settings.clock.now() - loaded.retiredAt < LATE_MS + loaded.skew",
    "false",
  ),
  "late requests are judged as if all clocks agreed": without(
    "visitors",
    OPENING,
    "LATE_MS + loaded.skew",
    "LATE_MS",
  ),
  "a marker is forgotten as if all clocks agreed": without(
    "visitors",
    RECORDS,
    "return now >= found.expiresAt + found.skew;",
    "return now >= found.expiresAt;",
  ),
  "what a handler asks for during a commit is forgotten": without(
    "verbs that overlap",
    CORE,
    "this.#state = meanwhile.reduce((next, apply) => apply(next), state);",
    "this.#state = state;",
  ),
  "a reset that keeps the data of a save under way": without(
    "verbs that overlap",
    CORE,
    "const now = this.#now;\n        this.#draft = this.#newDraft();",
    "const now = this.#now;\n        this.#draft.discard();",
  ),
  "a new token that was told is not looked at again": without(
    "an owner's end beside every kind",
    "session/state.js",
    'if (state.reply.why === "refreshed" || !state.known)',
    'if (state.reply.why !== "refreshed") return false; if (true)',
  ),
  "a login that was refused has emptied the session": without("owners alone", CORE, "draft.restore(emptied);", ""),
  "a failing read is an empty session": without(
    "visitors, failed before",
    OPENING,
    "persistence.load(hashOf(found.value))",
    "persistence.load(hashOf(found.value)).catch(() => ABSENT)",
  ),
  "every read is read twice": without(
    "visitors",
    OPENING,
    "persistence.load(hashOf(found.value))",
    "persistence.load(hashOf(found.value)).then(() => persistence.load(hashOf(found.value)))",
  ),
  "the token is the storage's key": without("visitors", "session/token.js", "return sha256(token);", "return token;"),
  "a login that does not mind that all were ended": without(
    "an owner's end",
    OWNERS,
    "if (isLogin && ",
    "if (false && ",
  ),
  "a session that is on no list": without(
    "an owner's end",
    PERSISTENCE,
    "(await this.#enlist(list, own, old, writing, deadline))",
    "true",
  ),
  "a login that does not look once more": without(
    "an owner's end beside every kind",
    PERSISTENCE,
    "return isSure ? done : await this.#stillThere(done, deadline);",
    "return done;",
  ),
  "an owner's sessions ended but for what they were renewed to": without(
    "an owner's end beside every kind",
    CHANGE,
    "[hash, known] = [met.successor, undefined];",
    "return false;",
  ),
  "another owner's session ended along a marker": without(
    "an owner's end beside every kind",
    CHANGE,
    'return owner !== undefined && met.kind === "live" && !concerns(met.record, owner);',
    "return false;",
  ),
  "a limit that ends nobody": without(
    "an owner at the limit",
    OWNERS,
    'await this.#inSlices([...hashes], (hash) => this.#end(owner, hash, "limit", deadline));',
    "",
  ),
  "a list sealed with a key that is not here is taken for damaged": without(
    "an older key ring",
    "storage/encrypted.js",
    "return SEALED_ELSEWHERE;",
    'return "";',
  ),
  "an impersonation that is on no list of who acts": without(
    "impersonation",
    PERSISTENCE,
    "[record.parked?.owner, record.owner]",
    "[record.owner]",
  ),
  "an impersonation that takes over what was stored for who acts": without(
    "impersonation",
    PERSISTENCE,
    "if (login?.impersonation)",
    "if (false)",
  ),
  "an impersonation that forgets at a renewal who acts": without(
    "impersonation",
    PERSISTENCE,
    "return kept ?",
    "return kept && login ?",
  ),
  "all sessions ended but those in which their owner acts as another": without(
    "impersonation",
    CHANGE,
    "!concerns(met.record, owner)",
    "met.record.owner !== owner",
  ),
  "an adoption without its note": without(
    "adoption in short",
    ADOPTION,
    "await this.#insert({ nonce, successor: live.hash }, this.#keptUntil(old));",
    "{ nonce };",
  ),
  "an adoption that does not mind that another was faster": without(
    "adoption in short",
    ADOPTION,
    "if (note?.nonce !== nonce)",
    "if (false)",
  ),
  "an old session that is read after the note": {
    proof: "adoption in short",
    patches: [
      { file: ADOPTION, find: 'const old = await this.#ask("read"', put: NOTE_FIRST },
      { file: ADOPTION, find: "const note = await this.#read();\n        if (note)", put: "if (note)" },
    ],
  },
  "an old session that is removed before the note": {
    proof: "adoption by one, gone after",
    patches: [
      { file: ADOPTION, find: "        await this.#removeOld(live.hash);\n", put: "" },
      { file: ADOPTION, find: "const note = await this.#insert(", put: REMOVED_FIRST },
    ],
  },
  "an adopted session that is not looked at again": without(
    "adoption in short",
    ADOPTION,
    "reply: this.#telling(live, token), known: undefined",
    "reply: this.#telling(live, token), known: this.#parts.persistence.moment()",
  ),
  "sessions forgotten before they are ended": without(
    "owners, gone before",
    OWNERS,
    "const ended = await this.#inSlices(others,",
    "await this.#forget(owner, new Set(others), this.#deadline()); const ended = await this.#inSlices(others,",
  ),
};

const dist = fileURLToPath(new URL("../../dist/", import.meta.url));

/**
 * Makes the build; answers its directory as a URL. Throws where the mechanism is not found as it was written here.
 */
export function build(name: string): string {
  const directory = new URL(`../mutants/${name.replace(/[^a-z]+/gi, "-")}/`, import.meta.url);
  rmSync(directory, { recursive: true, force: true });
  cpSync(dist, directory, { recursive: true, filter: (path) => !/\.(map|d\.ts)$/.test(path) });
  for (const { file, find, put } of MUTANTS[name]!.patches) {
    const path = new URL(file, directory);
    const pieces = readFileSync(path, "utf8").split(find);
    if (pieces.length !== 2)
      throw new Error(
        `the mutant "${name}" does not apply: ${file} has ${pieces.length - 1} times\n${find}\nwrite in test/protocol/mutants.ts what stands there now`,
      );
    writeFileSync(path, pieces.join(put));
  }
  return directory.href;
}
