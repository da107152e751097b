import { auth0 } from "./auth0.ts";
import { clerk } from "./clerk.ts";
import { cognitoAccess, cognitoId } from "./cognito.ts";
import { dex } from "./dex.ts";
import { entraOverage, entraV1, entraV2 } from "./entra.ts";
import { firebase } from "./firebase.ts";
import { githubActions } from "./github-actions.ts";
import { google } from "./google.ts";
import { hydraJwt, hydraOpaque } from "./hydra.ts";
import { keycloak } from "./keycloak.ts";
import { kubernetes } from "./kubernetes.ts";
import { okta } from "./okta.ts";
import { pingFederate } from "./ping-federate.ts";
import type { Provider } from "./provider.ts";
import { supabase } from "./supabase.ts";
import { zitadel } from "./zitadel.ts";

/** Every provider whose tokens are tried, in the order of the documentation. */
export const PROVIDERS: readonly Provider[] = [
  keycloak,
  auth0,
  okta,
  entraV2,
  entraV1,
  entraOverage,
  cognitoAccess,
  cognitoId,
  google,
  clerk,
  supabase,
  firebase,
  dex,
  zitadel,
  hydraJwt,
  hydraOpaque,
  pingFederate,
  kubernetes,
  githubActions,
];
