import { afterAll, beforeAll, expect, test } from "vitest";
import { makeDynamoClientRates } from "../../../shared/adapters/dynamo/dynamo-client-rates.ts";
import type { ClientRates } from "../../../shared/core/requests/state/ports.ts";
import { makeTestClock } from "../../support/fakes/clocks.ts";
import { openLocalTables } from "../../support/runs/local-tables.ts";

const LIMIT = 5;
const clock = makeTestClock();
let tables: Awaited<ReturnType<typeof openLocalTables>>;
beforeAll(async () => {
  tables = await openLocalTables();
});
afterAll(() => tables.close());

let clients = 0;
const newClient = () => `cl_${++clients}`;

/** Returns the rates as one instance of the function has them. */
const open = () =>
  makeDynamoClientRates({
    client: tables.client,
    tableName: tables.outputs.RequestsTableName ?? "",
    clock,
    limit: LIMIT,
  });

async function taken(rates: ClientRates, clientId: string, times: number) {
  const all = await Promise.all(Array.from({ length: times }, () => rates.tryConsume(clientId)));
  return all.filter((one) => one).length;
}

test("A client gets its limit, plus one call for each process, per second of real time", async () => {
  const clientId = newClient();
  const [one, other] = [open(), open()];
  expect(await taken(one, clientId, 20)).toBe(LIMIT + 1);
  expect(await taken(other, clientId, 20)).toBe(1);
  clock.passBusiness(60_000);
  expect(await taken(one, clientId, 20)).toBe(0);
  clock.passReal(1_000);
  expect(await taken(one, clientId, 20)).toBe(LIMIT + 1);
});

test("Several requests count together: a batch of any size is let through while the client has not reached its limit, and uses up what is left", async () => {
  clock.passReal(1_000);
  const rates = open();
  const clientId = newClient();
  expect(await taken(rates, clientId, LIMIT)).toBe(LIMIT);
  expect(await rates.tryConsume(clientId, 100)).toBe(true);
  expect(await rates.tryConsume(clientId, 2)).toBe(false);
  expect(await rates.tryConsume(clientId)).toBe(false);
  clock.passReal(1_000);
  expect(await rates.tryConsume(clientId, 100)).toBe(true);
  expect(await rates.tryConsume(clientId, 100)).toBe(false);
});

test("The calls of one client do not count against another client's limit (G10)", async () => {
  const rates = open();
  const clientId = newClient();
  await taken(rates, clientId, 20);
  expect(await taken(rates, newClient(), LIMIT)).toBe(LIMIT);
});
