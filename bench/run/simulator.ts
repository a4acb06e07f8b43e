import { setTimeout } from "node:timers/promises";
import type { LocalFile } from "../../local/run/local-file.ts";

/** A call that the simulated provider was asked to do something by. */
export interface Submission {
  seq: number;
  /** Business time. */
  at: string;
  provider: string;
  accountId: string;
  path: string;
  body: unknown;
  /** 0 where the answer was withheld after the call had its effect. */
  status: number;
  providerRequestId?: string;
}

export function makeSimulatorControl({ providerUrl }: LocalFile) {
  async function control<Answer>(path: string, put?: unknown): Promise<Answer> {
    for (let attempt = 0; ; attempt++) {
      try {
        const response = await fetch(`${providerUrl}/_control/${path}`, {
          ...(put === undefined ? {} : { method: "PUT", body: JSON.stringify(put) }),
        });
        if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
        return (await response.json()) as Answer;
      } catch (error) {
        if (attempt === 240) throw error;
        await setTimeout(250);
      }
    }
  }

  return {
    behave: (behaviour: object) => control("behaviour", behaviour),
    submissions: async () =>
      (await control<{ submissions: Submission[] }>("submissions")).submissions,
    nowMs: async () => Date.parse((await control<{ now: string }>("clock")).now),
  };
}

/** Whether the provider accepted the call, also if its answer was withheld. */
export const tookEffect = ({ status }: Submission) => status === 200 || status === 0;
