import type { SynthesisOptions } from "../../../local/run/synthesise.ts";
import type { FunctionSettings } from "../../../shared/contracts/settings.ts";
import { startAwsFaultProxy } from "../fakes/aws-fault-proxy.ts";
import { editedAssembly } from "./edited-assembly.ts";

const services = ["DYNAMODB", "SQS", "S3", "EVENTBRIDGE", "SECRETS_MANAGER", "SCHEDULER"];

export type Resources = Record<string, { Type: string; Properties: Record<string, unknown> }>;

/**
 * A stack without a synthesis of its own, whose named functions reach AWS
 * through the fault proxy only, and the options of the local run for it.
 */
export async function prepareBehindFaultProxy(of: {
  /** Business time per real time. */
  speed: number;
  functions: readonly string[];
  /** Other differences from the deployed stack. */
  edit: (resources: Resources) => void;
}) {
  const { speed, functions } = of;
  const proxy = await startAwsFaultProxy();
  const synthesise = async ({ outputDir, clock, providerUrl }: SynthesisOptions) => {
    const known: Record<string, string> = {
      BUSINESS_CLOCK: JSON.stringify(clock),
      PROVIDER_BASE_URLS: JSON.stringify({ "we-link": providerUrl, "linked-api": providerUrl }),
    };
    editedAssembly(({ Resources }) => {
      of.edit(Resources);
      for (const [name, value] of Object.entries(known)) changeVariable(Resources, name, value);
      for (const { id, variables } of functionsOf(Resources)) {
        const name = functions.find((one) => id.startsWith(`Ackwire${capital(one)}Function`));
        if (name !== undefined) Object.assign(variables, throughProxy(proxy.url, name, variables));
      }
    }, outputDir);
  };
  return { proxy, options: { speed, synthesise } };
}

/** The functions of a template, each with its variables, to be changed. */
function functionsOf(resources: Resources) {
  return Object.entries(resources).flatMap(([id, { Type, Properties }]) => {
    const environment = Properties.Environment as { Variables: Record<string, unknown> };
    if (Type !== "AWS::Lambda::Function" || environment === undefined) return [];
    return [{ id, variables: environment.Variables }];
  });
}

/** Sets a variable, wherever there is one of this name. */
export function changeVariable(resources: Resources, name: string, value: string): void {
  for (const { variables } of functionsOf(resources)) {
    if (name in variables) variables[name] = value;
  }
}

/** Changes settings of every function. They need not be in the ranges of the contract. */
export function changeSettings(resources: Resources, change: Partial<FunctionSettings> = {}): void {
  for (const { variables } of functionsOf(resources)) {
    variables.SETTINGS = changedSettings(variables.SETTINGS, change);
  }
}

/** Returns the text of the variable `SETTINGS` with these changes. */
export function changedSettings(text: unknown, change: Partial<FunctionSettings>): string {
  return JSON.stringify({ ...(JSON.parse(String(text)) as object), ...change });
}

function throughProxy(proxyUrl: string, name: string, variables: Record<string, unknown>): object {
  // The SQS client goes where the queue's URL points, whatever its endpoint is.
  const queues = Object.entries(variables).flatMap(([variable, value]) =>
    variable.endsWith("_QUEUE_URL")
      ? [[variable, `${proxyUrl}/000000000000/${(value as { Ref: string }).Ref}`]]
      : [],
  );
  return {
    ...Object.fromEntries(services.map((service) => [`AWS_ENDPOINT_URL_${service}`, proxyUrl])),
    ...Object.fromEntries(queues),
    // The user agent of each call contains the process that made it, so that it can be killed.
    NODE_OPTIONS: `--import data:text/javascript,process.env.AWS_SDK_UA_APP_ID='${name}-'+process.pid`,
  };
}

const capital = (word: string) => `${word.charAt(0).toUpperCase()}${word.slice(1)}`;
