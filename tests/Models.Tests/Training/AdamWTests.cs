using MlNetIcl.Models.Training;
using static TorchSharp.torch;
using AdamW = MlNetIcl.Models.Training.AdamW;
using Parameter = TorchSharp.Modules.Parameter;

namespace MlNetIcl.Models.Tests.Training;

public class AdamWTests
{
    [Fact]
    public void Step_SeveralSteps_EqualsTorchsOwn()
    {
        var options = new AdamWSettings(_ => 0.05, Beta2: 0.98, WeightDecay: 0.1);
        using var ours = Start();
        using var theirs = new Parameter(Start());
        using var target = tensor(new float[] { 2, -1, 0.5f, 3 }).view(2, 2);
        using var mine = new AdamW([new("w", ours.requires_grad_())], options);
        using var reference = optim.AdamW([theirs], lr: 0.05, beta1: options.Beta1, beta2: options.Beta2, eps: options.Epsilon, weight_decay: 0.1);

        for (int step = 0; step < 20; step++)
        {
            (ours - target).pow(4).sum().backward();
            mine.Step(step);
            reference.zero_grad();
            (theirs - target).pow(4).sum().backward();
            reference.step();
        }

        Assert.True(ours.allclose(theirs, 1e-5, 1e-6));
        Assert.False(ours.allclose(Start(), 1e-2, 1e-2));
    }

    [Fact]
    public void Step_LongGradient_IsClippedOverAllParameters()
    {
        // Adam forgets the scale of a gradient but for epsilon, so a huge epsilon shows it: the update is rate * gradient / epsilon.
        var options = new AdamWSettings(_ => 1, Beta1: 0, Beta2: 0.98, Epsilon: 1e6, ClipNorm: 5);
        using var a = zeros(1).requires_grad_();
        using var b = zeros(1).requires_grad_();
        using var adam = new AdamW([new("a", a), new("b", b)], options);
        ((a * 30) + (b * 40)).sum().backward(); // norm 50

        adam.Step(0);

        Assert.Equal(-3e-6, a.item<float>(), 1e-10);
        Assert.Equal(-4e-6, b.item<float>(), 1e-10);
    }

    private static Tensor Start() => tensor(new float[] { 1, 1, -2, 0.1f }).view(2, 2);
}
