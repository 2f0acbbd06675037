import { ReactWidget } from '@jupyterlab/ui-components';
import { type Message } from '@lumino/messaging';

/** A panel that tells its model whether somebody looks, so that only what is on screen is read. */
export abstract class WatchedPanel extends ReactWidget {
  constructor(private readonly shown: { setVisible(visible: boolean): void }) {
    super();
    this.addClass('mlx-Panel');
  }

  protected override onAfterAttach(message: Message): void {
    super.onAfterAttach(message);
    this.shown.setVisible(this.isVisible);
  }

  protected override onAfterShow(message: Message): void {
    super.onAfterShow(message);
    this.shown.setVisible(this.isVisible);
  }

  protected override onAfterHide(message: Message): void {
    super.onAfterHide(message);
    this.shown.setVisible(false);
  }

  protected override onBeforeDetach(message: Message): void {
    this.shown.setVisible(false);
    super.onBeforeDetach(message);
  }
}
