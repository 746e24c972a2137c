import { accountRoutes } from './account-routes.ts';
import { documentRoutes } from './document-routes.ts';
import { keyRoutes } from './key-routes.ts';
import { modelRoutes } from './model-routes.ts';
import { apiDocument } from './openapi.ts';
import { quoteRoutes } from './quote-routes.ts';
import type { Route } from './route.ts';
import { videoChangeRoutes } from './video-change-routes.ts';
import { videoRoutes } from './video-routes.ts';
import { webhookRoutes } from './webhook-routes.ts';

/** All that is served; the OpenAPI document is made from it. */
export const routes: readonly Route[] = [
  ...videoRoutes,
  ...videoChangeRoutes,
  ...webhookRoutes,
  ...quoteRoutes,
  ...accountRoutes,
  ...modelRoutes,
  ...keyRoutes,
  ...documentRoutes(() => apiDocument(routes)),
];
