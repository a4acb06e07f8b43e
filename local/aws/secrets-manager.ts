import { randomInt, randomUUID } from "node:crypto";
import type {
  CreateSecretRequest,
  GetSecretValueRequest,
  PutSecretValueRequest,
} from "@aws-sdk/client-secrets-manager";
import type { DurableStore } from "../durable-store.ts";
import { arnOf, physicalName } from "../physical-name.ts";
import type { Resource } from "../template/resource.ts";
import { AwsError, type Operations, required } from "./protocol.ts";

interface SecretVersion {
  id: string;
  stages: string[];
  createdAt: number;
  SecretString?: string | undefined;
  /** Base64, as in the wire format. */
  SecretBinary?: string | undefined;
}

interface Secret {
  name: string;
  description?: string | undefined;
  createdAt: number;
  /** Versions in the order of creation. */
  versions: SecretVersion[];
}

type Wire<T> = Omit<T, "SecretBinary"> & { SecretBinary?: string };

export interface SecretsManager {
  operations: Operations;
  /** Creates the secret with its given or generated value, unless an earlier run created it. */
  addSecret(resource: Resource): void;
}

export function openSecretsManager(store: DurableStore): SecretsManager {
  const secrets = store.collection<Secret>("secretsmanager.secrets");

  function find(id: string | undefined): Secret {
    const name = required(id, "secretId").replace(/^arn:aws:secretsmanager:[^:]*:\d*:secret:/, "");
    const secret = secrets.get(name);
    if (!secret) throw notFound("Secrets Manager can't find the specified secret.");
    return secret;
  }

  function putValue(secret: Secret, input: Wire<PutSecretValueRequest>): SecretVersion {
    const { SecretString, SecretBinary } = input;
    const id = input.ClientRequestToken ?? randomUUID();
    const known = secret.versions.find((version) => version.id === id);
    if (known) {
      if (known.SecretString === SecretString && known.SecretBinary === SecretBinary) return known;
      throw new AwsError(
        "ResourceExistsException",
        `You can't use ClientRequestToken ${id} because that value is already in use for a version of secret ${arn(secret)}.`,
      );
    }
    const stages = input.VersionStages ?? ["AWSCURRENT"];
    const version = { id, stages, createdAt: Date.now(), SecretString, SecretBinary };
    const wasCurrent = (stage: string) => stage === "AWSCURRENT" && stages.includes(stage);
    const versions = secret.versions.map((old) => ({
      ...old,
      stages: old.stages.some(wasCurrent)
        ? ["AWSPREVIOUS"]
        : old.stages.filter(
            (stage) =>
              !stages.includes(stage) && !(stage === "AWSPREVIOUS" && stages.some(wasCurrent)),
          ),
    }));
    const kept = versions.filter((old) => old.stages.length > 0);
    secrets.put(secret.name, { ...secret, versions: [...kept, version] });
    return version;
  }

  function create(input: Wire<CreateSecretRequest>): { secret: Secret; version?: SecretVersion } {
    const name = required(input.Name, "name");
    if (secrets.get(name)) {
      throw new AwsError(
        "ResourceExistsException",
        `The operation failed because the secret ${name} already exists.`,
      );
    }
    const secret = { name, description: input.Description, createdAt: Date.now(), versions: [] };
    secrets.put(name, secret);
    if (input.SecretString === undefined && input.SecretBinary === undefined) return { secret };
    return { secret, version: putValue(secret, { ...input, SecretId: name }) };
  }

  const operations: Operations = {
    CreateSecret(input: Wire<CreateSecretRequest>) {
      const { secret, version } = create(input);
      return { ARN: arn(secret), Name: secret.name, VersionId: version?.id };
    },
    PutSecretValue(input: Wire<PutSecretValueRequest>) {
      const secret = find(input.SecretId);
      const version = putValue(secret, input);
      return {
        ARN: arn(secret),
        Name: secret.name,
        VersionId: version.id,
        VersionStages: version.stages,
      };
    },
    GetSecretValue(input: GetSecretValueRequest) {
      const secret = find(input.SecretId);
      const stage = input.VersionStage ?? (input.VersionId ? undefined : "AWSCURRENT");
      const version = secret.versions.find(
        (each) =>
          (input.VersionId === undefined || each.id === input.VersionId) &&
          (stage === undefined || each.stages.includes(stage)),
      );
      if (!version) {
        const wanted = input.VersionId
          ? `VersionId: ${input.VersionId}`
          : `staging label: ${stage}`;
        throw notFound(`Secrets Manager can't find the specified secret value for ${wanted}`);
      }
      return {
        ARN: arn(secret),
        Name: secret.name,
        VersionId: version.id,
        VersionStages: version.stages,
        SecretString: version.SecretString,
        SecretBinary: version.SecretBinary,
        CreatedDate: version.createdAt / 1_000,
      };
    },
    DescribeSecret: (input: { SecretId: string }) => described(find(input.SecretId)),
    ListSecrets: () => ({ SecretList: secrets.entries().map(([, secret]) => described(secret)) }),
  };

  return {
    operations,
    addSecret({ type, logicalId, properties }) {
      const name = physicalName(type, logicalId, properties);
      if (secrets.get(name)) return;
      const generate = properties.GenerateSecretString as GenerateOptions | undefined;
      const value = generate
        ? generated(generate)
        : (properties.SecretString as string | undefined);
      create({ Name: name, ...(value === undefined ? {} : { SecretString: value }) });
    },
  };
}

function arn(secret: Secret): string {
  return arnOf("AWS::SecretsManager::Secret", secret.name);
}

function described(secret: Secret) {
  const stages = secret.versions.map((version) => [version.id, version.stages]);
  return {
    ARN: arn(secret),
    Name: secret.name,
    Description: secret.description,
    CreatedDate: secret.createdAt / 1_000,
    LastChangedDate: (secret.versions.at(-1)?.createdAt ?? secret.createdAt) / 1_000,
    VersionIdsToStages: Object.fromEntries(stages),
  };
}

function notFound(message: string): AwsError {
  return new AwsError("ResourceNotFoundException", message);
}

/** Generates a value as CloudFormation's GenerateSecretString does. */
interface GenerateOptions {
  PasswordLength?: number;
  ExcludeCharacters?: string;
  ExcludeLowercase?: boolean;
  ExcludeUppercase?: boolean;
  ExcludeNumbers?: boolean;
  ExcludePunctuation?: boolean;
  IncludeSpace?: boolean;
  SecretStringTemplate?: string;
  GenerateStringKey?: string;
}

function generated(options: GenerateOptions): string {
  const alphabet = [
    options.ExcludeLowercase ? "" : "abcdefghijklmnopqrstuvwxyz",
    options.ExcludeUppercase ? "" : "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    options.ExcludeNumbers ? "" : "0123456789",
    options.ExcludePunctuation ? "" : "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~",
    options.IncludeSpace ? " " : "",
  ]
    .join("")
    .split("")
    .filter((character) => !options.ExcludeCharacters?.includes(character));
  const password = Array.from(
    { length: options.PasswordLength ?? 32 },
    () => alphabet[randomInt(alphabet.length)],
  ).join("");
  if (options.GenerateStringKey === undefined) return password;
  const template = JSON.parse(options.SecretStringTemplate ?? "{}") as object;
  return JSON.stringify({ ...template, [options.GenerateStringKey]: password });
}
