import { type TranslationBundle } from '@jupyterlab/translation';
import { Button } from '@jupyterlab/ui-components';
import * as React from 'react';

import { type ModelVersion, type Promotion } from '../api/generated';
import { modelIcon } from '../icons';
import { MODEL_TABS, type ModelDetail, type ModelTab } from '../models/modelDetail';
import { type ICharts } from './chart';
import { AliasChip, EnvironmentChip } from './chips';
import { formatTime } from './format';
import { GatesPage } from './gates';
import { History } from './history';
import { LineageView } from './lineage';
import { Monitoring } from './monitoring';
import { Overview } from './overview';
import { type Decision, Promotions } from './promotions';
import { View } from './states';
import { Tabs } from './tabs';
import { VersionSelect } from './versionSelect';

interface IModelPageProps {
  model: ModelDetail;
  trans: TranslationBundle;
  charts: ICharts;
  onPromote: (version: ModelVersion) => void;
  onRollback: () => void;
  onDecide: (promotion: Promotion, decision: Decision) => void;
  onOpen: (reference: string) => void;
}

/** Everything about one version of a model. */
export function ModelPage(props: IModelPageProps): React.ReactElement {
  const { model, trans } = props;
  return (
    <View state={model.version.state} trans={trans} onRetry={() => void model.refresh()}>
      {version => (
        <>
          <Head {...props} version={version} />
          <Tabs
            label={trans.__('Views of %1', model.name)}
            tabs={MODEL_TABS.map(key => ({ key, label: labelOf(key, trans) }))}
            current={model.tab}
            onSelect={tab => {
              model.open(tab);
            }}
          >
            <Page {...props} version={version} />
          </Tabs>
        </>
      )}
    </View>
  );
}

function Head(props: IModelPageProps & { version: ModelVersion }): React.ReactElement {
  const { model, version, trans } = props;
  const served = Object.keys(model.model.value?.environments ?? {}).length > 0;
  return (
    <header className="mlx-Head">
      <modelIcon.react tag="span" className="mlx-Head-icon" />
      <h2>{model.name}</h2>
      <VersionSelect
        versions={model.versions.items}
        current={version.version}
        trans={trans}
        onSelect={each => {
          model.select(each);
        }}
      />
      <span className="mlx-Head-chips">
        {version.environments.map(name => (
          <EnvironmentChip key={name} name={name} />
        ))}
        {version.aliases.map(name => (
          <AliasChip key={name} name={name} />
        ))}
      </span>
      <span className="mlx-Head-actions">
        <Button className="mlx-Button" small disabled={!served} onClick={props.onRollback}>
          {trans.__('Roll back…')}
        </Button>
        <Button
          className="mlx-Button mlx-mod-main"
          small
          onClick={() => {
            props.onPromote(version);
          }}
        >
          {trans.__('Promote…')}
        </Button>
      </span>
      <p className="mlx-Head-note">
        {trans.__('Registered %1 by %2', formatTime(version.created_at), version.created_by)}
        {version.description && ` · ${version.description}`}
      </p>
    </header>
  );
}

function Page(props: IModelPageProps & { version: ModelVersion }): React.ReactElement {
  const { model, version, trans, onOpen } = props;
  const onRetry = () => void model.refresh();
  switch (model.tab) {
    case 'overview':
      return <Overview version={version} trans={trans} onOpen={onOpen} />;
    case 'gates':
      return (
        <>
          <View state={model.gates.state} trans={trans} onRetry={onRetry}>
            {results => <GatesPage results={results} serving={version.environments} trans={trans} />}
          </View>
          <View state={model.promotions.state} trans={trans} onRetry={onRetry}>
            {page => (
              <Promotions promotions={page.items} list={model.promotions} trans={trans} onDecide={props.onDecide} />
            )}
          </View>
        </>
      );
    case 'history':
      return (
        <View state={model.history.state} trans={trans} onRetry={onRetry}>
          {page => <History deployments={page.items} list={model.history} trans={trans} />}
        </View>
      );
    case 'lineage':
      return (
        <View state={model.lineage.state} trans={trans} onRetry={onRetry}>
          {lineage => <LineageView lineage={lineage} trans={trans} onOpen={onOpen} />}
        </View>
      );
    case 'monitoring':
      return (
        <View state={model.reports.state} trans={trans} onRetry={onRetry}>
          {page => (
            <View state={model.health.state} trans={trans} onRetry={onRetry}>
              {health => <Monitoring health={health} reports={page.items} trans={trans} charts={props.charts} />}
            </View>
          )}
        </View>
      );
  }
}

function labelOf(tab: ModelTab, trans: TranslationBundle): string {
  const labels: Record<ModelTab, string> = {
    overview: trans.__('Overview'),
    gates: trans.__('Gates'),
    history: trans.__('History'),
    lineage: trans.__('Lineage'),
    monitoring: trans.__('Monitoring')
  };
  return labels[tab];
}
