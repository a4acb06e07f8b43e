import type { AccountReader } from "../../connections/ports.ts";
import { mergePaceSettings } from "../../pace/merge-pace-settings.ts";
import type { PaceSettings } from "../../pace/pace-settings.ts";
import type { DecisionContext } from "../state/decision-context.ts";
import type { ProviderClients } from "../state/ports.ts";
import type { LaneAccount } from "../state/record.ts";

/**
 * Returns what decides when an account may submit: its own settings, the stage's where it has
 * none, and the limits of the provider. @throws DEPENDENCY_DOWN
 */
export const makePaceSettingsOf =
  ({
    accounts,
    providerClients,
    context,
  }: {
    accounts: Pick<AccountReader, "find">;
    providerClients: ProviderClients;
    context: () => DecisionContext;
  }) =>
  async (of: LaneAccount & { lane: string }): Promise<PaceSettings> => {
    const { connectionId, accountId, provider, lane } = of;
    const account = await accounts.find(connectionId, accountId);
    const { pace, defaultPreset } = context().rules;
    return mergePaceSettings({
      account,
      providerLimits: providerClients[provider].providerLimits,
      stage: { ...pace, defaultPreset },
      seed: lane,
    });
  };
