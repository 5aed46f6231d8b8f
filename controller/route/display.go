package route

import "maskline/models"

// display: a number that our own calls show is no way to reach anybody. Whoever calls it back hears so, and pays nothing.
func display(_ Rules, s models.Sight) (models.Plan, string) {
	return refuse(models.NoPermission, rejected, models.PromptNoPermission, s.App), s.Dialled + " is a display number, which takes no calls"
}
