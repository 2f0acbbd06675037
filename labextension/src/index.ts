import { alerts } from './plugins/alerts';
import { automation } from './plugins/automation';
import { datasets } from './plugins/datasets';
import { jobs } from './plugins/jobs';
import { launcher } from './plugins/launcher';
import { models } from './plugins/models';
import { services } from './plugins/services';
import { sidebar } from './plugins/sidebar';

export * from './tokens';
export default [services, sidebar, models, datasets, jobs, automation, alerts, launcher];
