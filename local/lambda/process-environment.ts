import { REGION } from "../physical-name.ts";
import type { FunctionConfiguration } from "./function-configuration.ts";
import { functionCredentials } from "./function-credentials.ts";

/**
 * Returns the environment variables of a function's process: those of the
 * template and those that Lambda defines, none of the user's shell.
 *
 * https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
 */
export function environmentVariables(
  configuration: FunctionConfiguration,
  { awsUrl, runtimeApi }: { awsUrl: string; runtimeApi: string },
): Record<string, string> {
  const { logicalId, name, memoryMiB, handler, codeDirectory } = configuration;
  const credentials = functionCredentials(logicalId);
  return {
    TZ: "UTC",
    ...configuration.variables,
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_DEFAULT_REGION: REGION,
    AWS_ENDPOINT_URL: awsUrl,
    AWS_EXECUTION_ENV: `AWS_Lambda_${configuration.runtime}`,
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(memoryMiB),
    AWS_LAMBDA_FUNCTION_NAME: name,
    AWS_LAMBDA_FUNCTION_VERSION: "$LATEST",
    AWS_LAMBDA_INITIALIZATION_TYPE: "on-demand",
    AWS_LAMBDA_LOG_GROUP_NAME: `/aws/lambda/${name}`,
    AWS_LAMBDA_LOG_STREAM_NAME: "local",
    AWS_LAMBDA_RUNTIME_API: runtimeApi,
    AWS_REGION: REGION,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    AWS_SESSION_TOKEN: credentials.sessionToken,
    // Otherwise the SDK would read the configuration in the user's home directory.
    HOME: codeDirectory,
    LAMBDA_TASK_ROOT: codeDirectory,
    PATH: "/usr/local/bin:/usr/bin:/bin",
    _HANDLER: handler,
  };
}
