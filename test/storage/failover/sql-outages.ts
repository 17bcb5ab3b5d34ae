/** What every SQL database is put through, with every client. */
import { assertHonest } from "./app.js";
import type { Open } from "./clients.js";
import { assertReadsGoOn, outage, PATIENCE, worksAsEver } from "./outages.js";
import type { OwnServer } from "./servers.js";

/** A connection of the administrator. */
export interface Administrator {
  run(sql: string): Promise<unknown>;
  close(): Promise<void>;
}

export interface SqlServer {
  readonly server: OwnServer;
  administer(): Promise<Administrator>;
  /** Ends all connections but one's own. */
  endConnections(administrator: Administrator): Promise<void>;
  /** Begins and ends a time in which nothing may be written. */
  setReadOnly(administrator: Administrator, isReadOnly: boolean): Promise<void>;
}

const LOCK_ALL = "SELECT expires_at FROM holdfast_sessions FOR UPDATE";

export function sqlOutages(
  name: string,
  { server, administer, endConnections, setReadOnly }: SqlServer,
  open: Open,
): void {
  const administered = (
    what: string,
    run: (world: Parameters<Parameters<typeof outage>[3]>[0], administrator: Administrator) => Promise<void>,
  ): void =>
    outage(`${name}: ${what}`, server, open, async (world) => {
      const administrator = await administer();
      try {
        await run(world, administrator);
      } finally {
        await administrator.close();
      }
    });

  administered(
    "connections are ended by the administrator, idle and between read and write: at most one error each",
    async ({ app }, administrator) => {
      const guest = await app.guest();
      await endConnections(administrator);
      await guest.untilServed(PATIENCE);
      const { answering: writing, letGo } = await app.hold(() => guest.append());
      await endConnections(administrator);
      letGo();
      const answer = await writing;
      if (answer.status !== 200) assertHonest(answer);
      await guest.untilServed(PATIENCE);
      await guest.assertLog();
      await worksAsEver(guest);
    },
  );

  administered(
    "somebody keeps the rows locked: writes are 503 in time, and no connection stays in use",
    async ({ app }, administrator) => {
      const [guest, other] = [await app.guest(), await app.guest()];
      await administrator.run("BEGIN");
      await administrator.run(LOCK_ALL);
      for (const answer of await Promise.all([guest.append(), guest.append(), guest.twin().login()]))
        assertHonest(answer);
      await other.assertLog();
      const many = await Promise.all(Array.from({ length: 12 }, () => guest.append()));
      many.forEach(assertHonest);
      const reading = await other.read();
      if (reading.status !== 200) assertHonest(reading);
      await administrator.run("ROLLBACK");
      await guest.untilServed(PATIENCE);
      await guest.assertLog();
      await worksAsEver(other);
    },
  );

  administered(
    "a database that must not be written: reads are served, also where a deadline is due, a write is a 503; then it works as ever",
    async ({ app, another }, administrator) => {
      const guest = await app.guest();
      await setReadOnly(administrator, true);
      try {
        assertHonest(await guest.append());
        assertHonest(await guest.login());
        assertHonest(await guest.twin().logout());
        assertHonest(await app.visitor().append());
        await guest.assertLog();
        await assertReadsGoOn(guest, another);
      } finally {
        await setReadOnly(administrator, false);
      }
      await worksAsEver(guest);
    },
  );
}
