using MlNetIcl.Models.Training;
using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace MlNetIcl.Models.Tests.Training;

public class GradientDescentTests
{
    [Fact]
    public void Step_SeveralSteps_EqualsTorchsOwn()
    {
        using var ours = tensor(new float[] { 1, -2, 0.1f });
        using var theirs = new Parameter(ours.clone());
        using var mine = new GradientDescent([new("w", ours.requires_grad_())], step => 0.1 / (step + 1));
        using var reference = optim.SGD([theirs], learningRate: 0.1);

        for (int step = 0; step < 10; step++)
        {
            (ours - 3).pow(2).sum().backward();
            mine.Step(step);
            foreach (var group in reference.ParamGroups) group.LearningRate = 0.1 / (step + 1);
            reference.zero_grad();
            (theirs - 3).pow(2).sum().backward();
            reference.step();
        }

        Assert.True(ours.allclose(theirs, 1e-6, 1e-7));
        Assert.True(ours.mean().item<float>() > 1);
    }
}
