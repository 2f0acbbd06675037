import { type TranslationBundle } from '@jupyterlab/translation';
import { caretDownIcon, caretRightIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

import { type Model, type ModelVersion } from '../api/generated';
import { modelIcon } from '../icons';
import { type PagedList } from '../models/pagedList';
import { AliasChip, EnvironmentChip } from './chips';
import { formatDay, formatTime } from './format';
import { useRoving } from './roving';
import { View } from './states';

interface IModelTreeProps {
  models: readonly Model[];
  trans: TranslationBundle;
  /** The versions of an unfolded model. */
  versionsOf: (model: string) => PagedList<ModelVersion> | null;
  onToggle: (model: string) => void;
  onOpen: (model: string, version: number | null) => void;
}

/** Models, each with its versions below when unfolded. */
export function ModelTree(props: IModelTreeProps): React.ReactElement {
  const roving = useRoving<HTMLUListElement>();
  return (
    <ul className="mlx-List" role="tree" aria-label={props.trans.__('Models')} {...roving}>
      {props.models.map(model => (
        <ModelItem key={model.name} model={model} {...props} />
      ))}
    </ul>
  );
}

function ModelItem({ model, ...props }: IModelTreeProps & { model: Model }): React.ReactElement {
  const { trans, onToggle, onOpen } = props;
  const versions = props.versionsOf(model.name);
  const Caret = versions ? caretDownIcon : caretRightIcon;
  const open = () => {
    onOpen(model.name, null);
  };
  const onKeyDown = (event: React.KeyboardEvent) => {
    const folds = event.key === 'ArrowLeft' ? versions !== null : event.key === 'ArrowRight' && versions === null;
    if (folds) {
      onToggle(model.name);
    } else if (event.key === 'Enter' || event.key === ' ') {
      open();
      event.preventDefault();
    }
  };
  return (
    <li role="none">
      <div
        className="mlx-Row"
        role="treeitem"
        aria-expanded={versions !== null}
        aria-level={1}
        aria-selected={false}
        data-mlx-row=""
        tabIndex={-1}
        title={tipOf(model, trans)}
        onClick={open}
        onKeyDown={onKeyDown}
      >
        <span
          className="mlx-Row-fold"
          aria-hidden="true"
          onClick={event => {
            event.stopPropagation();
            onToggle(model.name);
          }}
        >
          <Caret.react tag="span" className="mlx-Caret" />
        </span>
        <modelIcon.react tag="span" className="mlx-Row-icon" />
        <span className="mlx-Row-name">{model.name}</span>
        <span className="mlx-Row-side">{model.latest ? `v${model.latest}` : ''}</span>
        <Pointers environments={model.environments} aliases={model.aliases} />
      </div>
      {versions && <Versions model={model.name} versions={versions} trans={trans} onOpen={onOpen} />}
    </li>
  );
}

function Pointers(props: Pick<Model, 'environments' | 'aliases'>): React.ReactElement | null {
  const environments = Object.entries(props.environments);
  const aliases = Object.entries(props.aliases);
  return environments.length + aliases.length ? (
    <span className="mlx-Row-chips">
      {environments.map(([name, version]) => (
        <EnvironmentChip key={name} name={name} version={version} />
      ))}
      {aliases.map(([name, version]) => (
        <AliasChip key={name} name={name} version={version} />
      ))}
    </span>
  ) : null;
}

interface IVersionsProps {
  model: string;
  versions: PagedList<ModelVersion>;
  trans: TranslationBundle;
  onOpen: (model: string, version: number) => void;
}

function Versions({ model, versions, trans, onOpen }: IVersionsProps): React.ReactElement {
  return (
    <View state={versions.state} trans={trans} onRetry={() => void versions.refresh()}>
      {page => (
        <ul className="mlx-List mlx-mod-nested" role="group">
          {page.items.map(each => (
            <VersionItem
              key={each.version}
              version={each}
              onOpen={() => {
                onOpen(model, each.version);
              }}
            />
          ))}
          <More list={versions} trans={trans} />
        </ul>
      )}
    </View>
  );
}

function VersionItem({ version, onOpen }: { version: ModelVersion; onOpen: () => void }): React.ReactElement {
  const onKeyDown = (event: React.KeyboardEvent) => {
    if (event.key === 'Enter' || event.key === ' ') {
      onOpen();
      event.preventDefault();
    }
  };
  return (
    <li
      className="mlx-Row mlx-mod-version"
      role="treeitem"
      aria-level={2}
      aria-selected={false}
      data-mlx-row=""
      tabIndex={-1}
      title={[formatTime(version.created_at), version.description].filter(Boolean).join('\n')}
      onClick={onOpen}
      onKeyDown={onKeyDown}
    >
      <span className="mlx-Row-name">v{version.version}</span>
      <span className="mlx-Row-chips mlx-mod-inline">
        {version.environments.map(name => (
          <EnvironmentChip key={name} name={name} />
        ))}
        {version.aliases.map(name => (
          <AliasChip key={name} name={name} />
        ))}
      </span>
      <span className="mlx-Row-side">{formatDay(version.created_at)}</span>
    </li>
  );
}

/** A row that shows one page more. */
export function More(props: { list: PagedList<unknown>; trans: TranslationBundle }): React.ReactElement | null {
  return props.list.hasMore ? (
    <li className="mlx-More" role="none">
      <button disabled={props.list.state.loading} onClick={() => void props.list.loadMore()}>
        {props.trans.__('Load more')}
      </button>
    </li>
  ) : null;
}

function tipOf(model: Model, trans: TranslationBundle): string {
  return [model.name, model.description, trans.__('Changed %1', formatTime(model.updated_at))]
    .filter(Boolean)
    .join('\n');
}
