namespace MlNetIcl.Probes.Tests.Positions;

public class DemonstrationTaskTests
{
    [Fact]
    public void Training_Rows_ScoreAnswersThatTheRowTells()
    {
        var (tokens, scored) = DemonstrationTask.Training(new SeededRandom(3, RandomStream.KeyValueRows), 1024, 16);

        for (int row = 0; row < tokens.Count; row++)
        {
            int[] ids = tokens.Rows[row];
            var mapping = ids.Where(IsDemonstration).ToDictionary(KeyOf, ValueOf); // throws where a key stands twice
            int[] targets = [.. Enumerable.Range(0, ids.Length - 1).Where(i => scored[(row * (ids.Length - 1)) + i])];
            Assert.Equal(Math.Min(8, mapping.Count), targets.Length);
            Assert.All(targets, i => Assert.Equal(mapping[ids[i] - 1], ids[i + 1] - 1 - DemonstrationTask.Keys));
        }
    }

    [Fact]
    public void Recall_EveryPosition_AsksForEachDemonstrationOfOneContext()
    {
        var questions = DemonstrationTask.Recall(new SeededRandom(1, RandomStream.DemonstrationQuestions), 3, 5, everyPosition: true);

        Assert.Equal(15, questions.Length);
        foreach (var context in questions.GroupBy(q => q.Context))
        {
            Assert.Single(context.Select(q => string.Join(' ', q.Tokens[..^1])).Distinct());
            Assert.All(context, q =>
            {
                Assert.Equal(KeyOf(q.Tokens[1 + q.Position]), q.Tokens[^1] - 1);
                Assert.Equal(ValueOf(q.Tokens[1 + q.Position]), q.Answer - 1 - DemonstrationTask.Keys);
            });
        }
    }

    [Fact]
    public void Conflict_Rows_HoldOneKeyTwiceWithTwoValues()
    {
        var questions = DemonstrationTask.Conflict(new SeededRandom(1, RandomStream.DemonstrationQuestions), 64, 6);

        Assert.All(questions, q =>
        {
            int[] places = [.. Enumerable.Range(1, 6).Where(i => KeyOf(q.Tokens[i]) == q.Tokens[^1] - 1)];
            Assert.Equal(2, places.Length);
            Assert.Equal([q.Answer, q.Rival!.Value], places.Select(i => 1 + DemonstrationTask.Keys + ValueOf(q.Tokens[i])));
            Assert.Equal(q.Position, places[0] - 1);
            Assert.NotEqual(q.Answer, q.Rival);
        });
        Assert.All(questions.Where((_, i) => i % 2 == 0), q => Assert.Equal(0, q.Position));
        Assert.All(questions.Where((_, i) => i % 2 == 1), q => Assert.True(q.Position > 0));
    }

    private static bool IsDemonstration(int id) => id > DemonstrationTask.Keys + DemonstrationTask.Values;

    private static int KeyOf(int id) => (id - 1 - DemonstrationTask.Keys - DemonstrationTask.Values) / DemonstrationTask.Values;

    private static int ValueOf(int id) => (id - 1 - DemonstrationTask.Keys - DemonstrationTask.Values) % DemonstrationTask.Values;
}
