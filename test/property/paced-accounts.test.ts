import { expect, test } from "vitest";
import { checkPacedRun } from "../support/pace/check-paced-run.ts";
import { runPacedAccounts } from "../support/pace/paced-accounts.ts";

const isThorough = process.env.THOROUGH === "1";

test.each(Array.from({ length: isThorough ? 20 : 2 }, (_, n) => n + 1))(
  "Accounts in five time zones keep hours, limits, gap and order over a clock change, with kills and a faulty provider (seed %i)",
  async (seed) => {
    const run = await runPacedAccounts({ accounts: 5, requests: 15, days: 5, kills: 3, seed });
    const { faults } = checkPacedRun(run);
    const broken = Object.entries(faults).filter(([, found]) => found.length > 0);
    expect(broken).toEqual([]);
    expect(run.kills).toHaveLength(3);
    expect(run.calls.length).toBeGreaterThan(200);
    expect(Math.min(...Object.values(run.counts))).toBeGreaterThan(0);
  },
);
