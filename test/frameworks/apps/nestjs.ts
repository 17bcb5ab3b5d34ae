import { freePort, inWorkshop, runProgram, startServer, workshop } from "../built.js";
import type { Framework } from "../framework.js";
import { fromNpm } from "../packages.js";
import { CASES } from "./nestjs-cases.js";

const COMMON = {
  "@apollo/server": "5.5.1",
  "@as-integrations/express5": "1.1.2",
  "@as-integrations/fastify": "3.1.0",
  graphql: "16.15.0",
  "@types/node": "20.19.43",
  "@types/supertest": "7.2.1",
  "reflect-metadata": "0.2.2",
  rxjs: "7.8.2",
  supertest: "7.3.2",
  typescript: "5.9.3",
  ws: "8.23.0",
};

/** The packages of Nest are released one by one. */
const NEST: readonly Readonly<Record<string, string>>[] = [
  {
    core: "12.5.1",
    common: "12.5.1",
    "platform-express": "12.5.1",
    "platform-fastify": "12.5.0",
    others: "12.1.1",
    graphql: "14.0.3",
    apollo: "14.0.3",
  },
  {
    core: "11.2.10",
    common: "11.2.10",
    "platform-express": "11.2.10",
    "platform-fastify": "11.2.8",
    others: "11.2.6",
    graphql: "13.4.5",
    apollo: "13.4.5",
  },
];

function packagesOf(version: string): Record<string, string> {
  const { others = "", ...named } = NEST.find((all) => Object.values(all).includes(version))!;
  const rest = ["testing", "websockets", "platform-ws", "microservices"].map((name) => [name, others] as const);
  const all = [...Object.entries(named), ...rest].map(([name, version]) => [`@nestjs/${name}`, version] as const);
  return { ...COMMON, ...Object.fromEntries(all) };
}

/** The example application, compiled with that of the suite. */
const COPIES = { "examples/nestjs": ".", "test/frameworks/nestjs": "src/suite" };

/** NestJS on both platforms: an application that tsc compiles, with decorators and their metadata. */
export const nestjs: Framework = {
  name: "nestjs",
  versions: NEST.flatMap((all) => [`${all["core"]} express`, `${all["platform-fastify"]} fastify`]),
  async start(title) {
    const [version = "", platform = ""] = title.split(" ");
    const packages = packagesOf(version);
    const { directory, remove } = workshop(`nestjs-${title.replace(" ", "-")}`, fromNpm(packages), COPIES);
    return inWorkshop({ directory, remove }, async () => {
      await runProgram(process.execPath, ["node_modules/typescript/bin/tsc"], directory);
      const [port, own, jobs] = [await freePort(), await freePort(), await freePort()];
      const env = { PORT: String(port), OWN_PORT: String(own), JOBS_PORT: String(jobs) };
      const main = ["dist/src/suite/suite-main.js", platform];
      const serving = await startServer(process.execPath, main, { cwd: directory, port, env });
      return { ...serving, directory, own: `http://127.0.0.1:${own}`, jobs, platform };
    });
  },
  own: CASES,
};
