using Microsoft.ML;

namespace MlNetIcl.Estimators.Tests;

public class TrainerLearnerTests
{
    private static readonly float[][] Inputs = [[1, 0], [0, 1], [1, 1], [-1, 2], [2, -1], [0.5f, 0.5f]];

    private static float Truth(float[] x) => (2 * x[0]) - x[1];

    [Fact]
    public void Predict_LinearTask_FollowsTheDemonstrationsAndRepeatsInANewContext()
    {
        float[] Answers() => [.. TrainerLearner.OfMlNet(new MLContext(seed: 1)).SelectMany(l => new[] { l.Predict(Inputs, [.. Inputs.Select(Truth)], [1, -1]), l.Predict(Inputs, [.. Inputs.Select(x => -Truth(x))], [1, -1]) })];
        float[] answers = Answers();

        Assert.Equal(answers, Answers());
        Assert.Equal(4, answers.Length);
        Assert.All(answers, (answer, i) => Assert.Equal(i % 2 == 0 ? 3 : -3, answer, 0.6));
    }

    [Fact]
    public void Predict_TrainerThatDiverges_HasNoAnswer()
    {
        var descent = TrainerLearner.OfMlNet(new MLContext(seed: 1)).Single(l => l.Name.EndsWith("OnlineGD", StringComparison.Ordinal));

        Assert.True(float.IsNaN(descent.Predict([.. Inputs.Select(x => new[] { 1e15f * x[0], 1e15f * x[1] })], [.. Inputs.Select(Truth)], [1, -1])));
    }
}
