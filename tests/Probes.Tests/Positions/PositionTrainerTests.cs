namespace MlNetIcl.Probes.Tests.Positions;

public sealed class PositionTrainerTests : IDisposable
{
    private static readonly PositionStudyOptions Small = new() { Steps = 60, BatchTokens = 256, DModel = 16, TrainedDemonstrations = 6, TestedDemonstrations = [6, 12, 40] };

    private readonly string _path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());

    public void Dispose() => File.Delete(_path);

    [Fact]
    public void Resume_AfterSave_EqualsAnUninterruptedRunBitForBit()
    {
        using PositionTrainer whole = New(PositionScheme.T5Bias), first = New(PositionScheme.T5Bias), second = New(PositionScheme.T5Bias);
        whole.Train(12);
        first.Train(5);
        first.Save(_path);
        second.Resume(_path);
        second.Train(12);

        foreach (var ((name, expected), (_, actual)) in whole.Named().Zip(second.Named()))
            Assert.True(expected.equal(actual).all().item<bool>(), name);
        using var other = New(PositionScheme.Alibi);
        Assert.Throws<Models.ModelFormatException>(() => other.Resume(_path));
    }

    [Theory]
    [InlineData(PositionScheme.Sinusoidal)]
    [InlineData(PositionScheme.Shortformer)]
    public void Train_FixedSinusoids_StayAsTheyWere(PositionScheme scheme)
    {
        using var trainer = New(scheme);
        var table = trainer.Named().Single(w => w.Name == "positions.weight").Value;
        using var before = table.clone();
        trainer.Train(3);

        Assert.True(before.equal(table).all().item<bool>());
        // sin and cos of one frequency: their squares add up to one number at every position.
        using var squares = table.square().view(table.shape[0], -1, 2).sum(-1);
        Assert.True((squares.max() - squares.min()).item<float>() < 1e-5);
    }

    [Fact]
    public void Answers_BeyondALearnedTable_AreMissing()
    {
        using var trainer = New(PositionScheme.Learned);
        var random = new SeededRandom(0, RandomStream.DemonstrationQuestions);

        Assert.NotNull(trainer.Answers(DemonstrationTask.Recall(random, 2, 6, everyPosition: false), default));
        Assert.Null(trainer.Answers(DemonstrationTask.Recall(random, 2, 40, everyPosition: false), default));
    }

    [Fact]
    public void Answers_OneRowAtATime_EqualThoseOfAll()
    {
        using var trainer = New(PositionScheme.Rotary);
        trainer.Train(20);
        var questions = DemonstrationTask.Recall(new SeededRandom(0, RandomStream.DemonstrationQuestions), 20, 6, everyPosition: false);

        Assert.Equal(trainer.Answers(questions, default), questions.SelectMany(q => trainer.Answers([q], default)!));
    }

    private static PositionTrainer New(PositionScheme scheme) => new(scheme, seed: 1, rate: 1e-2, Small);
}
