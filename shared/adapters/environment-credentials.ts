/**
 * Replaces the SDK's default credential chain (`@aws-sdk/credential-provider-node`) in the bundle of
 * a function: Lambda sets the credentials of the function's role as environment variables, and the
 * chain's other sources (SSO, STS, profiles, instance metadata) take 130 KB.
 *
 * https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime
 */
export { fromEnv as defaultProvider } from "@aws-sdk/credential-provider-env";
