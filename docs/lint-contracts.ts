import { readFileSync } from "node:fs";
import { join } from "node:path";
import swaggerParser from "@apidevtools/swagger-parser";
import { Parser } from "@asyncapi/parser";

const read = (name: string) => readFileSync(join(import.meta.dirname, "contracts", name), "utf8");

/** Severities of AsyncAPI's parser: 0 error, 1 warning, 2 information, 3 hint. */
const WARNING = 1;

/** What the parsers of the two contracts have to say against them; `npm run lint:contracts` prints it. */
async function problemsOfContracts(): Promise<string[]> {
  const openApi = await Promise.all(
    ["openapi.json", "openapi-operator.json"].map(problemsOfOpenApi),
  );
  const { diagnostics } = await new Parser().parse(read("asyncapi.json"));
  const asyncApi = diagnostics
    .filter(({ severity }) => severity <= WARNING)
    .map(({ message, path }) => `asyncapi.json: ${path.join(".")}: ${message}`);
  return [...openApi.flat(), ...asyncApi];
}

async function problemsOfOpenApi(name: string): Promise<string[]> {
  return swaggerParser.validate(JSON.parse(read(name))).then(
    () => [],
    (error: Error) => [`${name}: ${error.message}`],
  );
}

const problems = await problemsOfContracts();
if (problems.length > 0) {
  console.error(problems.join("\n"));
  process.exitCode = 1;
}
