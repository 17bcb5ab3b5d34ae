/**
 * Reads what the clients of a soak wrote down, and finds every broken promise. It knows nothing of the library: only
 * what was sent, what was answered, and in which order.
 *
 * All clients live in one process, so one counter orders everything: an answer that ended before a request was sent
 * lies before it. What overlapped may have happened in either order. A request whose answer never came, or was a 503,
 * may have taken effect or not.
 */
import { keyOf, wordsOf, type Act, type Data, type Job, type Told } from "./acts.js";

/** One request, as the client saw it. */
export interface Entry {
  readonly act: Act | Job;
  readonly word: string;
  readonly person: string;
  readonly tab: string;
  /** What the client sent; of a job, a token of the session it was about. */
  readonly token: string | undefined;
  /** When it was sent and when its answer had ended, by the common counter. */
  readonly sent: number;
  readonly ended: number;
  /** `lost`: no whole answer came. */
  readonly status: number | "lost";
  /** What the answer said about the cookie. */
  readonly cookie?: string | undefined;
  /** The body of a 200. */
  readonly told?: Told | undefined;
}

/** Stands in `cookie` where the answer removed it. */
export const REMOVED = "";

/** One whose answer brought a token. */
type Answering = Entry & { readonly cookie: string };

/** What came of one rule. */
export interface Verdict {
  readonly rule: string;
  /** How often it could have been broken. */
  readonly checked: number;
  readonly violations: readonly string[];
}

/** Checks every rule. */
export function check(log: readonly Entry[]): Verdict[] {
  const history = new History(log);
  return Object.entries(RULES).map(([rule, judge]) => {
    const findings = [...judge(history)];
    return { rule, checked: findings.length, violations: findings.filter((finding) => finding !== FINE) };
  });
}

/** Nothing to say; else a finding says what is wrong. */
const FINE = "";
type Finding = string;
type Judge = (history: History) => Generator<Finding>;

const BEGINNERS: readonly string[] = [
  "increment",
  "twice",
  "set",
  "change",
  "login",
  "signin",
  "reset",
] satisfies Act[];
const RENEWERS: readonly string[] = ["login", "signin"] satisfies Act[];
const ENDERS: readonly string[] = ["logout", "reset", "forget"] satisfies Act[];
const STATUSES: readonly Entry["status"][] = [200, 409, 503, "lost"];

/** Each yields once for everything it looked at. */
export const RULES: Readonly<Record<string, Judge>> = {
  *"an answer is a success, or an error of the session's own"({ log }) {
    for (const entry of log) yield STATUSES.includes(entry.status) ? FINE : `${show(entry)} was answered`;
  },

  *"an error carries no cookie, unless it is the page of a handler that failed and left something in a session"({
    log,
  }) {
    for (const entry of log)
      if (isError(entry))
        yield entry.cookie === undefined || isErrorPage(entry) || isRefusedSignIn(entry)
          ? FINE
          : `${show(entry)} carries a cookie`;
  },

  *"who put something into a session has one, and who logged in has a new one"({ log }) {
    for (const entry of log) {
      if (entry.status !== 200) continue;
      if (RENEWERS.includes(entry.act)) yield isNew(entry) ? FINE : `${show(entry)} got no new token`;
      else if (entry.token === undefined && BEGINNERS.includes(entry.act))
        yield isNew(entry) ? FINE : `${show(entry)} wrote and got no cookie`;
    }
  },

  *"a cookie names a session, and a new one a session of its own"({ log, given }) {
    for (const entry of log) {
      if (entry.status !== 200 || !isCookie(entry)) continue;
      if (entry.told?.origin === undefined) yield `${show(entry)} got ${name(entry.cookie)} and has no session`;
      else if (entry.cookie === entry.token)
        yield given.has(entry.cookie) ? FINE : `${show(entry)} was answered a token that nobody was given`;
      else if (given.get(entry.cookie)!.by !== entry)
        yield `${show(entry)} was given ${name(entry.cookie)}, which ${show(given.get(entry.cookie)!.by)} has`;
      else
        yield entry.told.person === entry.person
          ? FINE
          : `${show(entry)} was given a session of ${entry.told.person}`;
    }
  },

  *"a token opens the session it was given for, of the person it was given to"(history) {
    for (const { entry, seen } of history.reads) {
      const given = history.given.get(entry.token!);
      if (!given) yield isEmpty(seen) ? FINE : `${show(entry)} opened a session with a token that nobody was given`;
      else if (!isEmpty(seen))
        yield seen.origin === given.lineage && seen.person === given.person
          ? FINE
          : `${show(entry)} saw ${seen.origin} of ${seen.person}, not ${given.lineage} of ${given.person}`;
    }
  },

  *"a session that nobody ended is there"(history) {
    for (const { entry, seen } of history.reads) {
      if (!history.given.has(entry.token!)) continue;
      yield !isEmpty(seen) || history.mayBeOver(entry)
        ? FINE
        : `${show(entry)} found nothing, though nobody had ended or renewed it since ${show(history.given.get(entry.token!)!.by)}`;
    }
  },

  *"an error that says the session has ended is right"(history) {
    for (const entry of history.log)
      if (entry.status === 409)
        yield history.mayBeOver(entry) ? FINE : `${show(entry)}, though nobody had ended or renewed it`;
  },

  *"a session that was ended is never answered again"(history) {
    for (const entry of history.log) {
      for (const lineage of new Set([entry.told?.seen?.origin, history.lineageOf(entry.cookie)])) {
        const end = lineage === undefined ? undefined : history.ends.get(lineage);
        if (end)
          yield entry.sent > end.ended
            ? `${show(entry)} was answered ${lineage}, which ${show(end)} had ended`
            : FINE;
      }
    }
  },

  *"a token that was renewed opens nothing"(history) {
    for (const { entry, seen } of history.reads) {
      const renewal = history.renewals.get(entry.token!);
      if (renewal)
        yield entry.sent > renewal.ended && !isEmpty(seen)
          ? `${show(entry)} opened ${seen.origin}, which ${show(renewal)} had renewed`
          : FINE;
    }
  },

  *"an answer after a renewal does not carry the old token"(history) {
    for (const entry of history.log) {
      const renewal = isCookie(entry) ? history.renewals.get(entry.cookie) : undefined;
      if (renewal)
        yield entry.sent > renewal.ended
          ? `${show(entry)} carries ${name(entry.cookie!)}, which ${show(renewal)} had renewed`
          : FINE;
    }
  },

  *"what was gone stays gone"(history) {
    for (const { entry, seen } of history.reads) {
      const gone = history.gone.get(entry.token!);
      if (gone)
        yield entry.sent > gone.ended && !isEmpty(seen)
          ? `${show(entry)} opened ${seen.origin}, which was gone for ${show(gone)}`
          : FINE;
    }
  },

  *"a list of a person's sessions has each one that is signed in"(history) {
    for (const { entry, listed } of history.lists) {
      for (const [lineage, signin] of history.signedIn.get(entry.person) ?? []) {
        if (signin.ended < entry.sent && history.isSettled(lineage, entry))
          yield listed.includes(lineage) ? FINE : `${show(entry)} has no ${lineage}, signed in by ${show(signin)}`;
      }
    }
  },

  *"a list of a person's sessions has none of another person, and none that was ended"(history) {
    for (const { entry, listed } of history.lists) {
      for (const lineage of listed) {
        const end = history.ends.get(lineage);
        if (history.beginnerOf(lineage)?.person !== entry.person) yield `${show(entry)} has ${lineage}`;
        else
          yield end && entry.sent > end.ended && !history.mayBeLeft(lineage, end)
            ? `${show(entry)} has ${lineage}, which ${show(end)} had ended`
            : FINE;
      }
    }
  },

  *"nothing is counted twice"({ reads }) {
    for (const { entry, seen } of reads) {
      const { words = [], count = 0 } = seen;
      const twice = words.filter((word, i) => words.indexOf(word) < i);
      yield twice.length === 0 && count === words.length
        ? FINE
        : `${show(entry)} saw the count ${count} with ${words.length} words${twice.map((word) => `, ${word} twice`).join("")}`;
    }
  },

  *"what is counted was asked for, and in this session"(history) {
    for (const { entry, seen } of history.reads) {
      const strange = (seen.words ?? []).filter((word) => !history.mayHold(entry, seen.origin, word));
      yield strange.length === 0 ? FINE : `${show(entry)} saw ${strange.join(", ")} in ${seen.origin}`;
    }
  },

  *"every acknowledged increment is there"(history) {
    for (const { entry, seen } of history.reads) {
      if (isEmpty(seen)) continue;
      const words = new Set(seen.words);
      for (const [word, at] of history.counted.get(entry.token!) ?? []) {
        if (at < entry.sent) yield words.has(word) ? FINE : `${show(entry)} did not see ${word}, known since ${at}`;
      }
    }
  },

  *"a change of one's own key is there until one's next"(history) {
    for (const { entry, seen } of history.reads) {
      if (isEmpty(seen)) continue;
      for (const [key, settled] of history.settled.get(entry.token!) ?? []) {
        const last = settled.findLast(({ ended }) => ended < entry.sent);
        if (last) yield history.judgeValue(entry, seen, key, last);
      }
    }
  },
};

/** A request that opened a session by its token, and what it found. */
interface Read {
  readonly entry: Entry;
  readonly seen: Partial<Data>;
}

/** A list of the sessions of a person. */
interface List {
  readonly entry: Entry;
  /** By their origins. */
  readonly listed: readonly string[];
}

/** To whom and with which session a token was first answered. */
interface Given {
  readonly lineage: string | undefined;
  readonly person: string | undefined;
  readonly by: Entry;
}

/** What follows from the log: each fact with the request whose answer established it. */
class History {
  /** By the end of each. */
  readonly log: readonly Entry[];
  readonly reads: readonly Read[];
  readonly lists: readonly List[];
  /** The first acknowledged sign-in of each session, by person and session. */
  readonly signedIn = new Map<string, Map<string, Entry>>();
  readonly given = new Map<string, Given>();
  /** Acknowledged ends, by session. */
  readonly ends = new Map<string, Entry>();
  /** Acknowledged renewals and revocations, by the token that they ended. */
  readonly renewals = new Map<string, Entry>();
  /** The first to find nothing under a token. */
  readonly gone = new Map<string, Entry>();
  /** Words known to be stored under a token, and since when. */
  readonly counted = new Map<string, Map<string, number>>();
  /** Acknowledged changes under a token, by key, in order. */
  readonly settled = new Map<string, Map<string, Entry[]>>();
  /** Acknowledged resets, by the session that each began. */
  readonly #resets = new Map<string, Entry>();
  readonly #writers = new Map<string, Entry>();
  /** Requests that may have ended what a token or a session names. */
  readonly #killers = new Map<string, Entry[]>();
  /** Requests that may have signed a person in or renewed a session, by session. */
  readonly #renewers = new Map<string, Entry[]>();
  /** Requests that may have ended all sessions of a person. */
  readonly #everywhere = new Map<string, Entry[]>();

  constructor(log: readonly Entry[]) {
    this.log = log.toSorted((a, b) => a.ended - b.ended);
    this.reads = this.log.flatMap((entry) =>
      entry.status === 200 && entry.token !== undefined && entry.told?.seen ? [{ entry, seen: entry.told.seen }] : [],
    );
    this.lists = this.log.flatMap((entry) => (entry.told?.listed ? [{ entry, listed: entry.told.listed }] : []));
    for (const entry of this.log) this.#note(entry);
    for (const entry of this.log) this.#noteRenewer(entry);
    for (const entry of this.log) this.#noteKiller(entry);
  }

  lineageOf(token: string | undefined): string | undefined {
    return token === undefined ? undefined : this.given.get(token)?.lineage;
  }

  /** Whether somebody else may have ended or renewed what this request's token opened, before its answer came. */
  mayBeOver(entry: Entry): boolean {
    const killers = [
      ...(this.#killers.get(entry.token!) ?? []),
      ...this.#enders(this.lineageOf(entry.token)),
      ...(entry.act === "signin" ? (this.#everywhere.get(entry.person) ?? []) : []),
    ];
    return killers.some((killer) => killer !== entry && killer.sent < entry.ended);
  }

  /**
   * Requests that may have ended a session: also one that a reset began, where an end of the reset one beside it
   * followed to there.
   */
  #enders(lineage: string | undefined): readonly Entry[] {
    if (lineage === undefined) return [];
    const own = this.#killers.get(lineage) ?? [];
    const reset = this.#resets.get(lineage);
    if (!reset) return own;
    const beside = this.#enders(reset.told!.seen!.origin).filter(
      (ender) => ender !== reset && ender.sent < reset.ended && (ender.status === "lost" || ender.ended > reset.sent),
    );
    return [...own, ...beside];
  }

  /** Whether nothing that began before the end of `reader` may have ended the session, or is still renewing it. */
  isSettled(lineage: string, reader: Entry): boolean {
    return (
      this.#enders(lineage).every((ender) => ender.sent > reader.ended) &&
      (this.#renewers.get(lineage) ?? []).every(
        ({ sent, ended, status }) => sent > reader.ended || (ended < reader.sent && status === 200),
      )
    );
  }

  /**
   * Whether a sign-in that was cut off may have left a session in the list whose token no client has: the end of the
   * session that it was sent with does not find it; the end of all sessions of the person does.
   */
  mayBeLeft(lineage: string, end: Entry): boolean {
    if (end.act === "everywhere") return false;
    return (this.#renewers.get(lineage) ?? []).some(
      ({ act, sent, status }) => act === "signin" && status !== 200 && sent < end.ended,
    );
  }

  /** The request that began a session. */
  beginnerOf(lineage: string): Entry | undefined {
    return this.#writers.get(lineage);
  }

  /** Whether a word can stand in that session when a request sees it. */
  mayHold(reader: Entry, lineage: string | undefined, word: string): boolean {
    const writer = this.#writers.get(word);
    if (!writer || writer.sent > reader.ended || (foundNothing(writer) && !isNew(writer))) return false;
    return [writer.token, writer.cookie].some((token) => token !== undefined && this.lineageOf(token) === lineage);
  }

  /** The value of a key that one tab alone writes: that of its last acknowledged change, or of a later one. */
  judgeValue(reader: Entry, seen: Partial<Data>, key: string, last: Entry): Finding {
    const value = seen[key as `set:${string}`] as string | { last: string } | undefined;
    const word = typeof value === "object" ? value.last : value;
    if (word === last.word) return FINE;
    const writer = word === undefined ? undefined : this.#writers.get(word);
    if (!writer || keyOf(writer) !== key || writer.sent > reader.ended)
      return `${show(reader)} saw ${key} = ${word} instead of ${last.word}`;
    const isOlder = writer.status !== "lost" && writer.ended < last.sent;
    return isOlder ? `${show(reader)} saw ${key} = ${word} of ${show(writer)}, older than ${show(last)}` : FINE;
  }

  #note(entry: Entry): void {
    for (const word of [entry.word, ...wordsOf(entry)]) this.#writers.set(word, entry);
    const { act, token, told = {} } = entry;
    const { origin, person } = isErrorPage(entry) ? { origin: entry.word, person: entry.person } : told;
    if (isNew(entry) && !this.given.has(entry.cookie))
      this.given.set(entry.cookie, { lineage: origin, person, by: entry });
    if (entry.status !== 200) return;
    if (act === "signin" && origin !== undefined) this.#noteSignIn(entry, origin);
    if (act === "everywhere") this.#noteEverywhere(entry);
    const found = told.seen?.origin;
    if (token !== undefined) this.#noteToken(entry, token);
    if (found !== undefined && ENDERS.includes(act)) first(this.ends, found, entry);
    if (found !== undefined && act === "reset" && told.origin !== undefined) this.#resets.set(told.origin, entry);
    if (found !== undefined) this.#noteWrites(entry, token!);
    else if (isNew(entry)) this.#noteWrites(entry, entry.cookie);
  }

  #noteSignIn(entry: Entry, lineage: string): void {
    const sessions = this.signedIn.get(entry.person) ?? new Map<string, Entry>();
    this.signedIn.set(entry.person, sessions);
    first(sessions, lineage, entry);
  }

  /** An acknowledged end of all sessions has ended each that had been signed in before. */
  #noteEverywhere(entry: Entry): void {
    for (const [lineage, signin] of this.signedIn.get(entry.person) ?? [])
      if (signin.ended < entry.sent) first(this.ends, lineage, entry);
  }

  #noteRenewer(entry: Entry): void {
    if (entry.act === "everywhere") push(this.#everywhere, entry.person, entry);
    if (!RENEWERS.includes(entry.act)) return;
    // With a token that is over it began another session than that of its token.
    const lineages = new Set([this.lineageOf(entry.token), entry.told?.origin]);
    for (const lineage of lineages) if (lineage !== undefined) push(this.#renewers, lineage, entry);
  }

  #noteToken(entry: Entry, token: string): void {
    const { seen, done } = entry.told ?? {};
    const lineage = this.lineageOf(token);
    if (seen && isEmpty(seen)) first(this.gone, token, entry);
    if (entry.act === "revoke") first(this.renewals, token, entry);
    if (entry.act === "revoke" && done && lineage !== undefined) first(this.ends, lineage, entry);
    if (!seen || isEmpty(seen)) return;
    for (const word of seen.words ?? []) this.#count(token, word, entry.ended);
    if (RENEWERS.includes(entry.act)) this.#handOver(entry, token);
  }

  /** All that was known of the old token when it was renewed holds for the new one. */
  #handOver(entry: Entry, token: string): void {
    first(this.renewals, token, entry);
    if (!isCookie(entry)) return;
    for (const [word, at] of this.counted.get(token) ?? [])
      if (at < entry.sent) this.#count(entry.cookie, word, entry.ended);
    for (const word of entry.told!.seen!.words ?? []) this.#count(entry.cookie, word, entry.ended);
    for (const [key, settled] of this.settled.get(token) ?? []) {
      for (const change of settled) if (change.ended < entry.sent) this.#settle(entry.cookie, key, change);
    }
  }

  /**
   * What was acknowledged under a token is there as long as the token opens anything: a write that came too late
   * found it dead.
   */
  #noteWrites(entry: Entry, token: string): void {
    if (entry.act === "edit" && !entry.told?.done) return;
    for (const word of wordsOf(entry)) this.#count(token, word, entry.ended);
    const key = keyOf(entry);
    if (key !== undefined) this.#settle(token, key, entry);
  }

  #count(token: string, word: string, at: number): void {
    const words = this.counted.get(token) ?? new Map<string, number>();
    this.counted.set(token, words.set(word, Math.min(at, words.get(word) ?? Infinity)));
  }

  #settle(token: string, key: string, entry: Entry): void {
    const keys = this.settled.get(token) ?? new Map<string, Entry[]>();
    this.settled.set(token, keys);
    push(keys, key, entry);
  }

  /**
   * A renewal may have ended the token it was sent with, an end every token of its session; not where it is known to
   * have come too late. A revocation that says it ended a session has found it, if need be behind a marker.
   */
  #noteKiller(entry: Entry): void {
    const { act, token, told } = entry;
    const lineage = this.lineageOf(token);
    if (act === "everywhere") return this.#noteKilledEverywhere(entry);
    if (token === undefined || lineage === undefined) return;
    const cameTooLate = [this.ends.get(lineage), this.renewals.get(token), this.gone.get(token)].some(
      (over) => over && over !== entry && over.ended < entry.sent,
    );
    const hasEnded = act === "revoke" && told?.done === true;
    if ((cameTooLate && !hasEnded) || foundNothing(entry) || told?.done === false) return;
    if (RENEWERS.includes(act)) push(this.#killers, token, entry);
    if (act === "revoke" || ENDERS.includes(act)) push(this.#killers, lineage, entry);
  }

  /** It may have ended each session that may have been signed in before it was over, and was not known to be ended. */
  #noteKilledEverywhere(entry: Entry): void {
    for (const [lineage, renewers] of this.#renewers) {
      const over = this.ends.get(lineage);
      if (over && over !== entry && over.ended < entry.sent) continue;
      if (renewers.some(({ act, person, sent }) => act === "signin" && person === entry.person && sent < entry.ended))
        push(this.#killers, lineage, entry);
    }
  }
}

/** Whether an acknowledged request found no session under its token. */
function foundNothing({ status, told }: Entry): boolean {
  return status === 200 && told?.seen !== undefined && isEmpty(told.seen);
}

function first<K>(map: Map<K, Entry>, key: K, entry: Entry): void {
  if (!map.has(key)) map.set(key, entry);
}

function push<K>(map: Map<K, Entry[]>, key: K, entry: Entry): void {
  const entries = map.get(key);
  if (entries) entries.push(entry);
  else map.set(key, [entry]);
}

const isEmpty = (seen: Partial<Data>): boolean => Object.keys(seen).length === 0;
const isError = ({ status }: Entry): boolean => status !== 200 && status !== "lost";
/** Whether an answer brought a token that the request did not have. */
const isNew = (entry: Entry): entry is Answering => isCookie(entry) && entry.cookie !== entry.token;
/**
 * Of all handlers only that of `twice` can fail by itself, at its own save; what it wrote before may then be stored
 * with the answer.
 */
const isErrorPage = (entry: Entry): boolean => isError(entry) && entry.act === "twice" && isCookie(entry);
/** Its session is as it was before, so the error page may refresh the cookie of the same token. */
const isRefusedSignIn = (entry: Entry): boolean =>
  isError(entry) && entry.act === "signin" && entry.cookie === entry.token;
const isCookie = (entry: Entry): entry is Answering => entry.cookie !== undefined && entry.cookie !== REMOVED;
const name = (token: string): string => `token ${token.slice(0, 6)}`;

function show({ act, word, person, tab, token, sent, ended, status }: Entry): string {
  return `${person} (${tab}): ${act} ${word}, ${token === undefined ? "no token" : name(token)}, ${sent} to ${ended}, ${status}`;
}
