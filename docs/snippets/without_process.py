"""An agent's methods can be tried without any process."""

from osbrain import Agent


class Scale(Agent):
    def on_init(self):
        self.sum = 0

    def on_weight(self, kilograms):
        self.sum += kilograms
        return self.sum


if __name__ == '__main__':
    scale = Scale('scale')
    scale.on_weight(2)
    print(scale.name, scale.on_weight(3), scale.is_running())
